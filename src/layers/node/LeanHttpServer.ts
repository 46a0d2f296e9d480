/**
 * An `HttpServer` on node:http that takes few steps per request. It is the platform's own server with another listener for
 * requests: no scope is made until a finalizer is added, no listener is added while the answer is ready at once, and an answer
 * in memory is written in one go. Everything else goes to the platform: upgrades, streams, forms, and apps with a middleware of
 * the server or with a tracer of whole URLs.
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http"
import * as Cookies from "@effect/platform/Cookies"
import * as HttpApp from "@effect/platform/HttpApp"
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerError from "@effect/platform/HttpServerError"
import { HttpServerRequest } from "@effect/platform/HttpServerRequest"
import type { HttpServerResponse } from "@effect/platform/HttpServerResponse"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DefaultServices from "effect/DefaultServices"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberRef from "effect/FiberRef"
import * as FiberRefs from "effect/FiberRefs"
import * as Layer from "effect/Layer"
import * as Runtime from "effect/Runtime"
import * as RuntimeFlags from "effect/RuntimeFlags"
import * as Scope from "effect/Scope"
import { RequestScope } from "./RequestScope.js"

// The errors of an app have no type here, as in the platform's own adapter.
// @effect-diagnostics anyUnknownInErrorContext:off unsafeEffectTypeAssertion:off

/** A listener for the requests of a server of node:http. */
type Listener = (source: IncomingMessage, target: ServerResponse) => void

/** The platform's class of requests on Node. */
type RequestClass = new (source: IncomingMessage, target: ServerResponse) => HttpServerRequest

/** Returns the platform's class of requests, which it does not export: that of the request that its handler makes. */
const requestClass: Effect.Effect<RequestClass> = Effect.gen(function* () {
  let found: RequestClass | undefined
  const look = Effect.flatMap(HttpServerRequest, (request) => {
    found = request.constructor as RequestClass
    return Effect.never
  })
  const listener = yield* NodeHttpServer.makeHandler(look)
  let close = () => {}
  const target = { on: (_: string, listen: () => void) => (close = listen), writeHead: () => {}, end: () => {} }
  listener({ url: "/", method: "GET", headers: {} } as IncomingMessage, target as unknown as ServerResponse)
  // The platform interrupts a request when its connection closes.
  close()
  return found ?? (yield* Effect.dieMessage("the platform's class of requests was not found"))
})

/** Returns the bytes or the text of an answer in memory; `undefined` for any other. */
const contentOf = ({ body }: HttpServerResponse): Uint8Array | string | undefined => {
  switch (body._tag) {
    case "Empty":
      return ""
    case "Uint8Array":
      return body.body
    case "Raw":
      return typeof body.body === "string" || body.body instanceof Uint8Array ? body.body : undefined
    default:
      return undefined
  }
}

const headersOf = ({ cookies, headers }: HttpServerResponse): Readonly<Record<string, string | Array<string>>> => {
  if (Cookies.isEmpty(cookies)) return headers
  const lines = Cookies.toSetCookieHeaders(cookies)
  const own = headers["set-cookie"]
  return { ...headers, "set-cookie": own === undefined ? lines : [...lines, own] }
}

/** Writes an answer in memory. */
const write = (
  source: IncomingMessage,
  target: ServerResponse,
  response: HttpServerResponse,
  content: Uint8Array | string
) => {
  if (target.writableEnded) return
  target.writeHead(response.status, headersOf(response))
  if (source.method === "HEAD" || content.length === 0) target.end()
  else target.end(content)
}

/** Makes the listener for an app, with the platform's listener for what this one leaves to it. */
const makeListener = (app: HttpApp.Default<unknown>, standard: Listener, ownOf: () => Own): Effect.Effect<Listener> =>
  Effect.gen(function* () {
    const Request = yield* requestClass
    const isTracerOff = yield* FiberRef.get(HttpMiddleware.currentTracerDisabledWhen)
    const runtime = Runtime.disableRuntimeFlag(yield* Effect.runtime<never>(), RuntimeFlags.RuntimeMetrics)
    // The router makes a route interruptible, and what surrounds it is not.
    const { runtimeFlags: uninterruptible } = Runtime.disableRuntimeFlag(runtime, RuntimeFlags.Interruption)

    /** The answer that the platform sends next; read at once. */
    let next: Effect.Effect<HttpServerResponse, never, Scope.Scope> = Effect.never
    const sendStandard = yield* NodeHttpServer.makeHandler(Effect.suspend(() => next))

    /** Lets the platform send an answer, and waits until its finalizers have run. */
    const stream = (source: IncomingMessage, target: ServerResponse, response: HttpServerResponse) =>
      Effect.async<void>((resume) => {
        next = Effect.as(
          Effect.addFinalizer(() => Effect.sync(() => resume(Effect.void))),
          response
        )
        sendStandard(source, target)
      })

    const send = (request: HttpServerRequest, response: HttpServerResponse, cause: Cause.Cause<unknown>) => {
      const source = NodeHttpServerRequest.toIncomingMessage(request)
      const target = NodeHttpServerRequest.toServerResponse(request)
      const content = contentOf(response)
      const outcome = Cause.isEmptyType(cause) ? Effect.void : Effect.failCause(cause)
      if (content === undefined && source.method !== "HEAD") {
        return Effect.zipRight(stream(source, target, response), outcome)
      }
      write(source, target, response, content ?? "")
      return outcome
    }

    /** Sends a response after the handlers that the app has added for it. */
    const respond = (response: HttpServerResponse, cause: Cause.Cause<unknown>) =>
      Effect.withFiberRuntime<void, unknown>((fiber) => {
        const request = Context.unsafeGet(fiber.currentContext as Context.Context<HttpServerRequest>, HttpServerRequest)
        const handler = fiber.getFiberRef(HttpApp.currentPreResponseHandlers)
        if (handler._tag === "None") return send(request, response, cause)
        return Effect.matchCauseEffect(handler.value(request, response), {
          onFailure: (cause) =>
            Effect.flatMap(HttpServerError.causeResponse(cause), ([response, rest]) => send(request, response, rest)),
          onSuccess: (response) => send(request, response, cause)
        })
      })

    const answeredBy = (app: HttpApp.Default<unknown, Scope.Scope>) =>
      Effect.matchCauseEffect(app, {
        onFailure: (cause) =>
          Effect.flatMap(HttpServerError.causeResponse(cause), ([response, rest]) => respond(response, rest)),
        onSuccess: (response) => respond(response, Cause.empty)
      }) as Effect.Effect<void>
    const routed = answeredBy(app)

    const begin = () => {
      const { addServices, clock, direct } = ownOf()
      const onClock =
        clock === undefined
          ? runtime
          : Runtime.setFiberRef(
              runtime,
              DefaultServices.currentServices,
              Context.add(
                FiberRefs.getOrDefault(runtime.fiberRefs, DefaultServices.currentServices),
                Clock.Clock,
                clock
              )
            )
      return { addServices, direct, fiberRefs: onClock.fiberRefs }
    }
    let started: ReturnType<typeof begin> | undefined

    return (source, target) => {
      const request = new Request(source, target)
      if (!isTracerOff(request)) return standard(source, target)
      const scope = new RequestScope()
      const services = new Map(runtime.context.unsafeMap)
      services.set(HttpServerRequest.key, request)
      services.set(Scope.Scope.key, scope)
      started ??= begin()
      started.addServices(services, request)
      const own = started.direct(request.url)
      const fiber = Runtime.runFork(
        Runtime.make<never>({
          context: Context.unsafeMake(services),
          fiberRefs: started.fiberRefs,
          runtimeFlags: own === undefined ? uninterruptible : runtime.runtimeFlags
        }),
        own === undefined ? routed : answeredBy(own)
      )
      const end = (exit: Exit.Exit<void>) => {
        if (Exit.isFailure(exit) && !target.headersSent) target.writeHead(500).end()
        scope.end(runtime, exit, target)
      }
      const exit = fiber.unsafePoll()
      if (exit !== null) return end(exit)
      fiber.addObserver(end)
      target.once("close", () => {
        if (!target.writableEnded) fiber.unsafeInterruptAsFork(HttpServerError.clientAbortFiberId)
      })
    }
  })

/** Wraps the platform's server: its listener for requests is replaced by ours, which passes on to it. */
const wrap = (server: Server, platform: HttpServer.HttpServer, ownOf: () => Own): HttpServer.HttpServer =>
  HttpServer.make({
    address: platform.address,
    serve: (app, middleware) =>
      Effect.gen(function* () {
        const before = new Set(server.listeners("request"))
        yield* middleware === undefined ? platform.serve(app) : platform.serve(app, middleware)
        const standard = server.listeners("request").find((listener) => !before.has(listener)) as Listener | undefined
        if (middleware !== undefined || standard === undefined) return
        const lean = yield* makeListener(app, standard, ownOf)
        yield* Effect.acquireRelease(
          Effect.sync(() => server.off("request", standard).on("request", lean)),
          () => Effect.sync(() => server.off("request", lean))
        )
      })
  })

/** The parts of an authorization server that its requests can begin with. */
export interface Own {
  /** Returns the handler of a URL that is answered without the app; `undefined` for every other URL. */
  readonly direct: (url: string) => HttpApp.Default<never, Scope.Scope> | undefined
  /** The clock of the requests; that of the fiber that serves if not given. */
  readonly clock: Clock.Clock | undefined
  /** Adds services to those of a request. */
  readonly addServices: (services: Map<string, unknown>, request: HttpServerRequest) => void
}

/** Serves on an address, as `NodeHttpServer.layer` does. */
export const layer = (
  server: Server,
  options: { readonly host: string; readonly port: number },
  /** Is asked at the first request, when the app is built. */
  ownOf: () => Own
) =>
  Layer.map(
    NodeHttpServer.layer(() => server, options),
    (services) =>
      Context.add(services, HttpServer.HttpServer, wrap(server, Context.get(services, HttpServer.HttpServer), ownOf))
  )
