/** Counts the steps of requests: the primitives that Effect's run loop executes. The count is exact on every machine. */
import { request as httpRequest } from "node:http"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type * as Runtime from "effect/Runtime"
import * as Scope from "effect/Scope"
import type * as Tracer from "effect/Tracer"
import * as McpAuth from "../../src/http/mcp/McpAuth.js"
import * as NodeServer from "../../src/layers/NodeServer.js"
import * as Argon2 from "../../src/layers/passwords/Argon2.js"
import type { SettingsOptions } from "../../src/layers/settings/SettingsOptions.js"
import * as AuthServer from "../../src/layers/wiring/AuthServer.js"
import { MaintenanceSchedule } from "../../src/services/maintenance/MaintenanceSchedule.js"
import type { Storage } from "../../src/services/stores/Storage.js"
import * as Documents from "../flow/support/Documents.js"
import { type AuthServices, guarded, TestServer } from "../flow/support/Server.js"
import { freePort } from "../support/Cli.js"

// A storage may fail in any way, and then the test fails.
// @effect-diagnostics anyUnknownInErrorContext:off

/**
 * Counts from now on, until the scope ends. The run loop calls `context` of the tracer once for each primitive; without a tracer
 * of the app, that is the native one, of which the process has one.
 */
const counter = Effect.acquireRelease(
  Effect.map(Effect.tracer, (tracer) => {
    const native = tracer as { context: Tracer.Tracer["context"] }
    const original = native.context
    const stop = () => {
      native.context = original
    }
    const counting = { steps: 0, stop }
    native.context = (execute, fiber) => {
      counting.steps++
      return original(execute, fiber)
    }
    return counting
  }),
  ({ stop }) => Effect.sync(stop)
)

/** An answer of the server. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  readonly text: string
}

/** A request: without a method a GET, or a POST if it has a body. */
export interface Sent {
  readonly method?: string | undefined
  readonly path: string
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly body?: string | undefined
}

/** A server on a port of this machine, and the count of its steps. */
export class CountedServer extends TestServer {
  constructor(
    issuer: string,
    runtime: Runtime.Runtime<AuthServices>,
    readonly counting: { readonly steps: number }
  ) {
    super(issuer, (request) => fetch(request, { redirect: "manual" }), runtime, `${issuer}/notes`)
  }

  /** Sends a request by node:http, which takes no step. */
  readonly exchange = ({ body, headers, method = body === undefined ? "GET" : "POST", path }: Sent): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const request = httpRequest(`${this.issuer}${path}`, { method, headers })
      request.once("error", reject).once("response", (response) => {
        let text = ""
        response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk))
        response.once("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }))
      })
      request.end(body)
    })

  /** Returns the fewest steps of five requests, because the background may run in one of them. */
  readonly stepsOf = async (make: () => Promise<Sent>, status = 200): Promise<number> => {
    let least = Number.POSITIVE_INFINITY
    for (let i = 0; i < 5; i++) {
      const sent = await make()
      await this.settled()
      const before = this.counting.steps
      const answer = await this.exchange(sent)
      await this.settled()
      if (answer.status !== status) throw new Error(`${sent.path}: ${answer.status} ${answer.text}`)
      least = Math.min(least, this.counting.steps - before)
    }
    return least
  }

  /** Waits until the fibers of the last request have ended. */
  readonly settled = () => new Promise((resolve) => setTimeout(resolve, 5))
}

/** Starts a server on a storage, with an open route, a guarded one, a guarded MCP server, and the document of a client. */
export const start = (storage: Layer.Layer<Storage, unknown>, settings: Partial<SettingsOptions> = {}) =>
  Effect.gen(function* () {
    const port = yield* Effect.promise(freePort)
    const issuer = `http://127.0.0.1:${port}`
    const uri = `${issuer}/notes`
    const scopes = { "notes:read": "Read your notes", "notes:write": "Write notes", "notes:burn": "Burn notes" }
    const notes = { uri, scopes }
    let runtime: Runtime.Runtime<AuthServices> | undefined
    const captured = Layer.effectDiscard(
      Effect.map(Effect.runtime<AuthServices>(), (own) => {
        runtime = own
      })
    )
    const open = HttpLayerRouter.add("GET", "/open", Effect.succeed(HttpServerResponse.unsafeJson({ ok: true })))
    const routes = guarded("/notes", { resource: uri, scopes: ["notes:read"], principals: ["User", "Client"] })
    // In place of an MCP server, so that the steps are those of its guard.
    const result = HttpServerResponse.unsafeJson({ jsonrpc: "2.0", id: 1, result: {} })
    const mcp = HttpLayerRouter.add("POST", "/mcp", Effect.succeed(result)).pipe(
      Layer.provide(
        McpAuth.layer({
          resource: uri,
          scopes: ["notes:read"],
          principals: ["User", "Client"],
          tools: { add_note: ["notes:write"], burn_notes: ["notes:burn"] }
        })
      )
    )
    const schedule = Layer.succeed(MaintenanceSchedule, { firstAfter: Duration.infinity, interval: Duration.infinity })
    const web = Documents.make({ [Documents.url]: { body: Documents.document() } })
    const app = Layer.mergeAll(open, routes, mcp, captured).pipe(
      Layer.provideMerge(AuthServer.layer({ issuer, resources: [notes], rateLimits: "off", ...settings })),
      Layer.provide(Layer.mergeAll(storage, schedule, web.seams, Argon2.layer({ memoryCost: 8, timeCost: 1 })))
    )
    yield* Layer.build(NodeServer.serve(app, { host: "127.0.0.1", port, drain: "1 second" }))
    if (runtime === undefined) throw new Error("the services of the server are not known")
    const server = new CountedServer(issuer, runtime, yield* counter)
    yield* Effect.promise(() => server.addAccount("ada"))
    return server
  }).pipe(Effect.provide(Logger.remove(Logger.defaultLogger)))

/** Runs a server while `use` runs. */
export const withServer = async <A>(
  storage: Layer.Layer<Storage, unknown>,
  use: (server: CountedServer) => Promise<A>
): Promise<A> => {
  const scope = Effect.runSync(Scope.make())
  try {
    return await use(await Effect.runPromise(Scope.extend(start(storage), scope)))
  } finally {
    await Effect.runPromise(Scope.close(scope, Exit.void))
  }
}
