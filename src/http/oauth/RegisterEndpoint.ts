/** `POST /register`: dynamic client registration (RFC 7591 §3). */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Resource from "../../domain/Resource.js"
import { ClientRegistration } from "../../services/clients/ClientRegistration.js"
import { ServerMetadata } from "../../services/metadata/ServerMetadata.js"
import { Resources } from "../../services/resources/Resources.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import * as ClientInformation from "../views/ClientInformation.js"
import * as AuthorizationHeader from "../wire/AuthorizationHeader.js"
import * as Body from "../wire/Body.js"
import * as Endpoint from "../wire/Endpoint.js"
import * as JsonText from "../wire/JsonText.js"
import * as Wire from "../wire/Wire.js"

/** Returns the initial access token of a request. A malformed header counts as none: then the response names the token. */
const bearer = (request: Endpoint.Call["request"]) =>
  Option.flatten(Either.getRight(AuthorizationHeader.bearer(request)))

const make = Effect.gen(function* () {
  const registration = yield* ClientRegistration
  const resources = yield* Resources
  const { issuer } = yield* ServerSettings
  return Effect.fnUntraced(function* ({ request }: Endpoint.Call) {
    const metadata = yield* JsonText.parse(yield* Body.json(request))
    const { client, registrationToken, secret } = yield* registration.register(metadata, bearer(request))
    const offered = Resource.offered(Resource.listed(yield* resources.all))
    const information = ClientInformation.toJson(client, offered, secret)
    return Wire.json(ClientInformation.withRegistration(information, issuer, registrationToken), {
      status: 201,
      headers: Wire.noStore
    })
  })
})

/** Serves the endpoint, and adds it to the metadata unless registration is closed. Then its response says so. */
export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const { issuer, registration } = yield* ServerSettings
    const metadata = yield* ServerMetadata
    yield* Endpoint.addJson("/register", true, { POST: yield* make }, ["register", "registerDaily"])
    if (registration !== "Off") yield* metadata.add({ registration_endpoint: `${issuer}/register` })
  })
)
