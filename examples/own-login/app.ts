/** An app with its own login. The authorization server uses the session of the app. */
import { randomUUID } from "node:crypto"
import { HttpLayerRouter, HttpServerRequest, HttpServerResponse, UrlParams } from "@effect/platform"
import { DateTime, Effect, Layer, Option } from "effect"
import { AuthLayer, BearerAuth, ResourceOwner } from "latchkey"
import { CurrentAccess } from "latchkey/CurrentAccess"

export const issuer = "http://127.0.0.1:3000"

/** Your own database, which has hashes instead of passwords. */
export const users = new Map([
  ["ada", { id: "user-1", name: "Ada Lovelace", password: "difference engine" }],
  ["bob", { id: "user-2", name: "Bob", password: "correct horse battery" }]
])

/** The logged-in users, by the cookie of the browser. */
export const sessions = new Map<string, ResourceOwner.User>()

export const Owner = ResourceOwner.layer({
  find: ({ cookies }) => Effect.sync(() => Option.fromNullable(sessions.get(cookies.app ?? ""))),
  loginUrl: (returnTo) => `/login?return_to=${encodeURIComponent(returnTo)}`,
  logoutUrl: "/logout"
})

/** Redirects only to the authorization server, because everyone can write a link to a login page (CWE-601). */
const returnTo = (params: UrlParams.UrlParams) =>
  Option.getOrElse(
    Option.filter(UrlParams.getFirst(params, "return_to"), (url) => url.startsWith(`${issuer}/`)),
    () => `${issuer}/account`
  )

/** The page ignores the cookie: a user who comes here must log in, even if already logged in. */
const showLogin = HttpServerResponse.html(`<!doctype html>
<html lang="en">
<title>Log in</title>
<form method="post">
<label>Name <input name="name" autocomplete="username" required></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<button>Log in</button>
</form>`)

const logIn = Effect.gen(function* () {
  const request = yield* HttpServerRequest.HttpServerRequest
  // A form of another site must not log the user in as another user.
  if (request.headers["sec-fetch-site"] !== "same-origin") return HttpServerResponse.empty({ status: 403 })
  const form = yield* request.urlParamsBody
  const user = users.get(Option.getOrElse(UrlParams.getFirst(form, "name"), () => ""))
  if (user === undefined || !Option.contains(UrlParams.getFirst(form, "password"), user.password)) {
    return HttpServerResponse.setStatus(showLogin, 403)
  }
  const sessionId = randomUUID()
  sessions.set(sessionId, {
    subject: user.id,
    displayName: user.name,
    sessionId,
    authenticatedAt: yield* DateTime.now
  })
  // The target of a request need not be a valid URL: in absolute form its authority can be any text.
  const query = UrlParams.fromInput(new URLSearchParams(request.url.split("?")[1]))
  return HttpServerResponse.redirect(returnTo(query), { status: 303 }).pipe(
    // With https it needs `secure`, too. It is lax, not strict, because users come to /authorize from other sites.
    HttpServerResponse.unsafeSetCookie("app", sessionId, { httpOnly: true, sameSite: "lax", path: "/" })
  )
})

const logOut = Effect.gen(function* () {
  const { cookies } = yield* HttpServerRequest.HttpServerRequest
  sessions.delete(cookies.app ?? "")
  return HttpServerResponse.text("You are logged out.")
})

export const Login = HttpLayerRouter.addAll([
  HttpLayerRouter.route("GET", "/login", showLogin),
  HttpLayerRouter.route("POST", "/login", logIn),
  HttpLayerRouter.route("GET", "/logout", logOut)
])

const Notes = HttpLayerRouter.add(
  "GET",
  "/notes",
  Effect.map(CurrentAccess, ({ subject }) => HttpServerResponse.unsafeJson({ subject, notes: ["Buy milk"] }))
).pipe(Layer.provide(BearerAuth.layer({ scopes: ["notes:read"] })))

const Auth = AuthLayer.layer({
  issuer,
  resources: [{ uri: `${issuer}/notes`, scopes: { "notes:read": "Read your notes" } }]
}).pipe(Layer.provide(Owner))

/** The whole app. It needs a storage and a server. */
export const App = Layer.provideMerge(Layer.mergeAll(Login, Notes), Auth)
