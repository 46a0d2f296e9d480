/** `POST /register`: dynamic client registration (RFC 7591 §3). */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Resource from "../../domain/Resource.js"
import { ClientRegistration } from "../../services/clients/ClientRegistration.js"
import { ServerMetadata } from "../../services/metadata/ServerMetadata.js"
import { Resources } from "../../services/resources/Resources.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import * as ClientInformation from "../views/ClientInformation.js"
import * as Body from "../wire/Body.js"
import * as Endpoint from "../wire/Endpoint.js"
import * as JsonText from "../wire/JsonText.js"
import * as Wire from "../wire/Wire.js"

const make = Effect.gen(function* () {
  const registration = yield* ClientRegistration
  const resources = yield* Resources
  return Effect.fnUntraced(function* ({ request }: Endpoint.Call) {
    const metadata = yield* JsonText.parse(yield* Body.json(request))
    const { client, secret } = yield* registration.register(metadata)
    const offered = Resource.offered(Resource.listed(yield* resources.all))
    return Wire.json(ClientInformation.toJson(client, offered, secret), {
      status: 201,
      headers: Wire.noStore
    })
  })
})

/** Serves the endpoint, and adds it to the metadata unless registration is closed. Then its response says so. */
export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const { issuer, maxUnusedClients } = yield* ServerSettings
    const metadata = yield* ServerMetadata
    yield* Endpoint.addJson("/register", true, { POST: yield* make }, ["register", "registerDaily"])
    if (maxUnusedClients > 0) yield* metadata.add({ registration_endpoint: `${issuer}/register` })
  })
)
