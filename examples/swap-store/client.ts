/** What a client does to get a token, where somebody is logged in and nothing is asked twice. */
import { HttpApp, HttpLayerRouter } from "@effect/platform"
import { Context, Effect, Layer } from "effect"
import { issuer } from "../compose/app.js"

/** An app as a function from request to response, in this process and by the test's own clock. */
export const serve = <A, E>(app: Layer.Layer<A, E, HttpLayerRouter.HttpRouter>) =>
  Effect.gen(function* () {
    // The router's type does not know that everything is answered.
    // @effect-diagnostics anyUnknownInErrorContext:off unsafeEffectTypeAssertion:off
    const context = yield* Layer.build(Layer.provideMerge(app, HttpLayerRouter.layer))
    const handler = Context.get(context, HttpLayerRouter.HttpRouter).asHttpEffect()
    const answer = HttpApp.toWebHandlerRuntime(yield* Effect.runtime<never>())(handler as HttpApp.Default)
    return (path: string, init?: RequestInit) => Effect.promise(() => answer(new Request(`${issuer}${path}`, init)))
  })

type Send = Effect.Effect.Success<ReturnType<typeof serve>>

/** Registers a client, and gets a token by the code flow. The person allows everything. */
export const accessToken = (send: Send) =>
  Effect.gen(function* () {
    const json = (response: Response) => Effect.promise(() => response.json() as Promise<Record<string, string>>)
    const form = (fields: Record<string, string>) => ({ method: "POST", body: new URLSearchParams(fields) })

    const redirect_uri = "https://client.example/callback"
    const metadata = { redirect_uris: [redirect_uri], token_endpoint_auth_method: "none" }
    const registration = {
      method: "POST",
      body: JSON.stringify(metadata),
      headers: { "content-type": "application/json" }
    }
    const { client_id = "" } = yield* Effect.flatMap(send("/register", registration), json)

    // The verifier and its challenge are those of RFC 7636, Appendix B.
    const request = new URLSearchParams({
      response_type: "code",
      client_id,
      redirect_uri,
      scope: "notes:read",
      code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
      code_challenge_method: "S256"
    })
    const page = yield* send(`/authorize?${request}`)
    const [, sealed = ""] = /name="form" value="([^"]+)"/.exec(yield* Effect.promise(() => page.text())) ?? []
    const allowed = yield* send("/consent", {
      ...form({ form: sealed, decision: "allow", scope: "notes:read" }),
      headers: { origin: issuer, "sec-fetch-site": "same-origin" }
    })
    const code = new URL(allowed.headers.get("location") ?? "").searchParams.get("code") ?? ""
    const code_verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    const grant = form({ grant_type: "authorization_code", client_id, redirect_uri, code, code_verifier })
    const { access_token = "" } = yield* Effect.flatMap(send("/token", grant), json)
    return access_token
  })
