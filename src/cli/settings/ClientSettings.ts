/** Settings of the protected resources and of the clients. */
import * as Schema from "effect/Schema"
import { defaultAppSchemes } from "../../domain/AppSchemes.js"
import { ResourceIndicator } from "../../domain/Resource.js"
import { ScopeToken } from "../../domain/Scope.js"
import { isHostPattern } from "../../domain/Settings.js"
import { setting } from "./Setting.js"
import * as Texts from "./Texts.js"

const Resources = Schema.Array(
  Schema.Struct({
    uri: ResourceIndicator,
    name: Schema.optional(Schema.NonEmptyString),
    scopes: Schema.Record({ key: ScopeToken, value: Schema.NonEmptyString })
  })
)

/** URI schemes without the dot that RFC 8252 §7.1 asks for. Schemes with a dot need no setting. */
const DotlessSchemes = Schema.Array(Schema.String.pipe(Schema.pattern(/^[a-z][a-z0-9+-]*$/)))
const schemesHint = 'give schemes in lower case, without a colon, such as "cursor,vscode"'

export const clientFields = {
  resources: setting(Resources, {
    description: "Protected resources, in addition to those of `latchkey resource create`",
    default: [],
    defaultText: "none",
    hint: 'give resources as { "uri": "https://…", "name": "…", "scopes": { "notes:read": "Read your notes" } }',
    only: "File"
  }),
  redirectSchemes: setting(DotlessSchemes, {
    description: "URI schemes without a dot that redirect URIs of any client may have, in addition to the app schemes",
    default: [],
    defaultText: "none",
    fromText: Texts.toList,
    hint: schemesHint
  }),
  appSchemes: setting(DotlessSchemes, {
    description:
      "URI schemes without a dot that redirect URIs of public clients may have. A list replaces the default; an empty list allows none",
    default: defaultAppSchemes,
    defaultText: defaultAppSchemes.join(", "),
    fromText: Texts.toList,
    hint: schemesHint
  }),
  clientDocuments: setting(Schema.Literal("on", "off"), {
    description: "Accept the URL of a metadata document as client_id, and fetch the document",
    default: "on",
    hint: "give on or off"
  }),
  clientAdmission: setting(Schema.Literal("open", "hosts", "approval"), {
    description:
      'Clients that may ask users for access, apart from those that you created or approved: all ("open"), those whose metadata documents are on CLIENT_HOSTS ("hosts"), or none until you approve them ("approval")',
    default: "open",
    hint: "give open, hosts or approval"
  }),
  clientHosts: setting(Schema.Array(Schema.String.pipe(Schema.filter(isHostPattern))), {
    description:
      'Hosts of metadata documents for the admission "hosts": "claude.ai", or "*.example.com" for all hosts below it',
    default: [],
    defaultText: "none",
    fromText: Texts.toList,
    hint: 'give hosts, such as "claude.ai,*.example.com"'
  }),
  retryFromElsewhere: setting(Schema.Literal("allow", "replay"), {
    description:
      'Response to a code or refresh token that is retried from another network: accept it and publish an event ("allow"), or revoke the grant ("replay")',
    default: "allow",
    hint: "give allow or replay"
  })
}
