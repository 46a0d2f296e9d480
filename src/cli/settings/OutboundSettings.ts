/** Settings of the requests that the server itself makes. */
import * as Schema from "effect/Schema"
import { isHostPattern } from "../../domain/Settings.js"
import { optional, setting } from "./Setting.js"
import * as Texts from "./Texts.js"

export const outboundFields = {
  outboundRequests: setting(Schema.Literal("on", "off"), {
    description: "Requests of the server for documents that clients name, such as the keys at a jwks_uri",
    default: "on",
    hint: "give on or off"
  }),
  outboundHosts: optional(Schema.Array(Schema.String.pipe(Schema.filter(isHostPattern))), {
    description:
      'Hosts to which the server may make these requests, such as "keys.example.com", or "*.example.com" for all names below a domain',
    defaultText: "every host with a public address",
    fromText: Texts.toList,
    hint: 'give host names in lower case, such as "keys.example.com,*.example.org"'
  })
}
