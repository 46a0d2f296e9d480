/** An app whose login page is its own. What it does not give, such as the consent page, is ours. */
import { HttpLayerRouter, HttpServerResponse } from "@effect/platform"
import { Effect, Layer } from "effect"
import { AuthLayer, BearerAuth, CurrentAccess, Pages } from "latchkey"
import { Html, Shorten } from "latchkey/http"

export const issuer = "http://127.0.0.1:3000"

const styles = "body { font: 1.2rem/1.5 Georgia, serif; margin: 3rem auto; max-width: 30rem }"

/** A page is a function from data to a document. `html` escapes what it is given; the form carries `form` back. */
const OwnPages = Pages.layer({
  styles,
  loginPage: ({ clientName, clientOrigin, form, formAction, problem, username }) =>
    Html.html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Welcome to Notes</title><style>${new Html.Html(styles)}</style></head>
<body>
<h1>Welcome to Notes</h1>
${clientName !== undefined && Html.html`<p><bdi>${Shorten.name(clientName)}</bdi> wants to know you.</p>`}
${clientOrigin === "Dynamic" && Html.html`<p>It registered itself: nobody has checked its name.</p>`}
${problem !== undefined && Html.html`<p role="alert">That did not work. Please try again.</p>`}
<form method="post" action="${formAction}">
<input type="hidden" name="form" value="${form}">
<label>Name <input name="username" autocomplete="username" value="${username}" required></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<button>Come in</button>
</form>
</body>
</html>`.text
})

const Notes = HttpLayerRouter.add(
  "GET",
  "/notes",
  Effect.map(CurrentAccess, ({ subject }) => HttpServerResponse.unsafeJson({ subject, notes: ["Buy milk"] }))
).pipe(Layer.provide(BearerAuth.layer({ scopes: ["notes:read"] })))

const Auth = AuthLayer.layer({
  issuer,
  resources: [{ uri: `${issuer}/notes`, scopes: { "notes:read": "Read your notes" } }]
}).pipe(Layer.provide(OwnPages))

/** The whole app; what it still needs is a storage. */
export const App = Layer.provideMerge(Notes, Auth)
