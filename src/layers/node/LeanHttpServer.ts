/**
 * An `HttpServer` on node:http that takes few steps per request. It is the platform's own server with another listener for
 * requests: no scope is made until a finalizer is added, no listener is added while the answer is ready at once, and an answer
 * in memory is written in one go. Everything else goes to the platform: upgrades, streams, forms, and apps with a middleware of
 * the server or with a tracer of whole URLs.
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http"
import * as HttpApp from "@effect/platform/HttpApp"
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerError from "@effect/platform/HttpServerError"
import { HttpServerRequest } from "@effect/platform/HttpServerRequest"
import { type HttpServerResponse, isServerResponse, setHeaders } from "@effect/platform/HttpServerResponse"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DefaultServices from "effect/DefaultServices"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import * as FiberRefs from "effect/FiberRefs"
import { identity } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Body from "../../http/wire/Body.js"
import type * as DirectRoutes from "../../http/wire/DirectRoutes.js"
import * as FoundRoutes from "../../http/wire/FoundRoutes.js"
import { Overlay } from "../../services/Overlay.js"
import * as Spans from "../../services/Spans.js"
import * as MemoryAnswer from "./MemoryAnswer.js"
import * as RequestFiber from "./RequestFiber.js"
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

/** Makes the listener for an app, with the platform's listener for what this one leaves to it. */
const makeListener = (app: HttpApp.Default<unknown>, standard: Listener, ownOf: () => Own): Effect.Effect<Listener> =>
  Effect.gen(function* () {
    const Request = yield* requestClass
    const isTracerOff = yield* FiberRef.get(HttpMiddleware.currentTracerDisabledWhen)
    const runtime = yield* Effect.runtime<never>()

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
      const content = MemoryAnswer.contentOf(response)
      const outcome = Cause.isEmptyType(cause) ? Effect.void : Effect.failCause(cause)
      if (content === undefined && source.method !== "HEAD") {
        return Effect.zipRight(stream(source, target, response), outcome)
      }
      MemoryAnswer.write({ source, target }, response, content ?? "")
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

    const answeredBy = (
      app: HttpApp.Default<unknown, Scope.Scope>,
      finish: (response: HttpServerResponse) => HttpServerResponse
    ) =>
      Effect.matchCauseEffect(app, {
        onFailure: (cause) =>
          Effect.flatMap(HttpServerError.causeResponse(cause), ([response, rest]) => respond(finish(response), rest)),
        onSuccess: (response) => respond(finish(response), Cause.empty)
      }) as Effect.Effect<void>
    const routed = answeredBy(app, identity)

    const begin = () => {
      const own = ownOf()
      const services = FiberRefs.getOrDefault(runtime.fiberRefs, DefaultServices.currentServices)
      const handlers = FiberRefs.getOrDefault(runtime.fiberRefs, HttpApp.currentPreResponseHandlers)
      return {
        ...own,
        start: RequestFiber.starter(runtime, own.clock),
        isTraced: Spans.isInstalled(services),
        hasHandlers: Option.isSome(handlers)
      }
    }
    let started: ReturnType<typeof begin> | undefined
    /** Returns what requests begin with. The app is built when the first one arrives. */
    const serverOf = () => {
      started ??= begin()
      return started
    }

    /** Starts the fiber of a request, which is interrupted when the client goes away. `end` runs when the fiber has ended. */
    const run = <A>(
      { request, target }: Exchange,
      scope: RequestScope,
      effect: Effect.Effect<A>,
      values: RequestFiber.Values,
      end: (exit: Exit.Exit<A>, fiber: Fiber.RuntimeFiber<A>) => void,
      start: RequestFiber.Start = serverOf().start
    ) => {
      values.services.set(HttpServerRequest.key, request)
      values.services.set(Scope.Scope.key, scope)
      const fiber = start(effect, values)
      const exit = fiber.unsafePoll()
      if (exit !== null) return end(exit, fiber)
      fiber.addObserver((exit) => end(exit, fiber))
      target.once("close", () => {
        if (!target.writableEnded) fiber.unsafeInterruptAsFork(HttpServerError.clientAbortFiberId)
      })
    }

    /** Runs an effect that sends the response of a request. */
    const runSending = (
      exchange: Exchange,
      scope: RequestScope,
      effect: Effect.Effect<void>,
      values: RequestFiber.Values
    ) =>
      run(exchange, scope, effect, values, (exit) => {
        const { target } = exchange
        if (Exit.isFailure(exit) && !target.headersSent) target.writeHead(500).end()
        scope.end(runtime, exit, target)
      })

    /** The services of the runtime and of the endpoint, and the starter of its fibers. */
    const ground = (handler: DirectRoutes.Handler) => ({
      services: Context.merge(runtime.context, handler.services).unsafeMap,
      start: RequestFiber.starter(runtime, handler.clock)
    })
    const grounds = new WeakMap<DirectRoutes.Handler, ReturnType<typeof ground>>()
    const groundOf = (handler: DirectRoutes.Handler) => {
      const known = grounds.get(handler)
      if (known !== undefined) return known
      const made = ground(handler)
      grounds.set(handler, made)
      return made
    }

    /** Answers a request of an endpoint: at once, or by a fiber. */
    const answer = (exchange: Exchange, handler: DirectRoutes.Handler) => {
      const { hasHandlers, isTraced } = serverOf()
      const { services: below, start } = groundOf(handler)
      /** Answers an exception outside a fiber as a fiber does its defect. */
      const fail = (defect: unknown) =>
        runSending(exchange, new RequestScope(), answeredBy(Effect.die(defect), identity), {
          services: new Overlay(below),
          isRouted: false
        })
      try {
        const { addServices, annotations, answer, end } = handler.begin(exchange.request, isTraced)
        if (isServerResponse(answer) && !hasHandlers) {
          return MemoryAnswer.write(exchange, answer, MemoryAnswer.contentOf(answer) ?? "", end(answer))
        }
        const scope = new RequestScope()
        const services = new Overlay(below)
        addServices(services)
        const values = { services, annotations, isRouted: false }
        const finish = (exit: Exit.Exit<HttpServerResponse>, fiber: Fiber.RuntimeFiber<HttpServerResponse>) => {
          const handlers = fiber.getFiberRef(HttpApp.currentPreResponseHandlers)
          const content = Exit.isSuccess(exit) ? MemoryAnswer.contentOf(exit.value) : undefined
          if (Exit.isSuccess(exit) && content !== undefined && Option.isNone(handlers)) {
            MemoryAnswer.write(exchange, exit.value, content, end(exit.value))
            return scope.end(runtime, exit, exchange.target)
          }
          const withEnd = (response: HttpServerResponse) => setHeaders(response, end(response))
          const sent = Effect.locally(answeredBy(exit, withEnd), HttpApp.currentPreResponseHandlers, handlers)
          runSending(exchange, scope, sent, values)
        }
        const finished: typeof finish = (exit, fiber) => {
          try {
            finish(exit, fiber)
          } catch (defect) {
            fail(defect)
          }
        }
        run(exchange, scope, answer as Effect.Effect<HttpServerResponse>, values, finished, start)
      } catch (defect) {
        fail(defect)
      }
    }

    const answers = new WeakMap<FoundRoutes.Found, Effect.Effect<void>>()
    const answerOf = (found: FoundRoutes.Found) => {
      const known = answers.get(found)
      if (known !== undefined) return known
      const answer = answeredBy(found.answer, identity)
      answers.set(found, answer)
      return answer
    }

    /** Answers a request of the app: by the route that is known for it, or by the router. */
    const route = (exchange: Exchange) => {
      const { addServices, found: routes, isTraced } = serverOf()
      const found = isTraced ? undefined : routes?.get(exchange.source)
      // The router copies all services, and an overlay is slow to copy.
      const services = found === undefined ? new Map(runtime.context.unsafeMap) : new Overlay(runtime.context.unsafeMap)
      addServices(services, exchange.request)
      if (found !== undefined) found.addServices(services)
      else if (routes !== undefined) services.set(FoundRoutes.Finding.key, routes)
      const answer = found === undefined ? routed : answerOf(found)
      runSending(exchange, new RequestScope(), answer, { services, isRouted: true })
    }

    return (source, target) => {
      const request = new Request(source, target)
      if (!isTracerOff(request)) return standard(source, target)
      const exchange = { source, target, request }
      const handler = serverOf().direct(request.url)
      if (handler === undefined) return route(exchange)
      if (source.method === "POST" && Body.isSmall(source)) {
        return Body.readEarly(source, () => answer(exchange, handler))
      }
      answer(exchange, handler)
    }
  })

/** A request, and where its response goes. */
interface Exchange extends MemoryAnswer.Connection {
  readonly request: HttpServerRequest
}

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
  readonly direct: (url: string) => DirectRoutes.Handler | undefined
  /** The routes of the app that its router has found. */
  readonly found: FoundRoutes.FoundRoutes | undefined
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
