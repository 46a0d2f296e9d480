/** `/register/{client_id}`: a client reads, changes and deletes its own registration (RFC 7592 §2). */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Client from "../../domain/Client.js"
import * as Issuer from "../../domain/Issuer.js"
import { MissingToken, type OAuthError } from "../../domain/OAuthError.js"
import * as Resource from "../../domain/Resource.js"
import { ClientConfiguration, type Credentials, refuseToken } from "../../services/clients/ClientConfiguration.js"
import type { Registered } from "../../services/clients/ClientRegistration.js"
import { Resources } from "../../services/resources/Resources.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import * as ClientInformation from "../views/ClientInformation.js"
import * as AuthorizationHeader from "../wire/AuthorizationHeader.js"
import * as Body from "../wire/Body.js"
import * as Endpoint from "../wire/Endpoint.js"
import * as JsonText from "../wire/JsonText.js"
import * as Wire from "../wire/Wire.js"

const missing = new MissingToken({
  reason: "NoAuthorization",
  description: "send the registration access token in the Authorization header"
})

const make = Effect.gen(function* () {
  const { issuer } = yield* ServerSettings
  const configuration = yield* ClientConfiguration
  const resources = yield* Resources
  const base = `${Issuer.path(issuer)}/register/`

  /** Returns the client in the path, and the token in the header. */
  const credentialsOf = (request: HttpServerRequest.HttpServerRequest): Either.Either<Credentials, OAuthError> =>
    Either.flatMap(AuthorizationHeader.bearer(request), (token): Either.Either<Credentials, OAuthError> => {
      if (Option.isNone(token)) return Either.left(missing)
      const [path = ""] = request.url.split("?", 1)
      return Option.match(Client.parseId(path.slice(base.length)), {
        onNone: () => Either.left(refuseToken("Unknown")),
        onSome: (id) => Either.right({ id, token: token.value })
      })
    })

  const answer = Effect.fnUntraced(function* ({ client, secret }: Registered, { token }: Credentials) {
    const offered = Resource.offered(Resource.listed(yield* resources.all))
    const information = ClientInformation.toJson(client, offered, secret)
    return Wire.json(ClientInformation.withRegistration(information, issuer, token), { headers: Wire.noStore })
  })

  return {
    GET: Effect.fnUntraced(function* ({ request }: Endpoint.Call) {
      const credentials = yield* credentialsOf(request)
      return yield* answer({ client: yield* configuration.read(credentials), secret: Option.none() }, credentials)
    }),
    PUT: Effect.fnUntraced(function* ({ request }: Endpoint.Call) {
      const credentials = yield* credentialsOf(request)
      const metadata = yield* JsonText.parse(yield* Body.json(request))
      return yield* answer(yield* configuration.replace(credentials, metadata), credentials)
    }),
    DELETE: Effect.fnUntraced(function* ({ request }: Endpoint.Call) {
      yield* configuration.remove(yield* credentialsOf(request))
      return HttpServerResponse.empty({ status: 204, headers: Wire.noStore })
    })
  }
})

/** Serves the endpoint, also while registration is closed: clients that registered before manage their registrations. */
export const layer = Layer.effectDiscard(
  Effect.flatMap(make, (methods) => Endpoint.addJson("/register/*", true, methods, ["register", "registerDaily"]))
)
