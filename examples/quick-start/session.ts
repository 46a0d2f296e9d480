/** Users log in with the session that the app already has. */
import { Effect, Layer, Option } from "effect"
import { AuthLayer, ResourceOwner } from "latchkey"
import { sessions, settings } from "./app.js" // your sessions, by cookie; your issuer and resources

const Login = ResourceOwner.layer({
  find: ({ cookies }) => Effect.sync(() => Option.fromNullable(sessions.get(cookies.session ?? ""))),
  loginUrl: (returnTo) => `/login?return_to=${encodeURIComponent(returnTo)}`,
  logoutUrl: "/logout"
})
export const Auth = AuthLayer.layer(settings).pipe(Layer.provide(Login))
