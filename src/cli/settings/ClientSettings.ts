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

/** An issuer of software statements, with its keys or their URL. */
const StatementIssuers = Schema.Array(
  Schema.Struct({
    issuer: Schema.NonEmptyString,
    jwks: Schema.optional(
      Schema.Struct({ keys: Schema.Array(Schema.Record({ key: Schema.String, value: Schema.Unknown })) })
    ),
    jwksUri: Schema.optional(Schema.String)
  })
)

export const clientFields = {
  resources: setting(Resources, {
    description: "Protected resources, in addition to those of `latchkey resource create`",
    default: [],
    defaultText: "none",
    hint: 'give resources as { "uri": "https://…", "name": "…", "scopes": { "notes:read": "Read your notes" } }',
    only: "File"
  }),
  registration: setting(Schema.Literal("open", "token", "statement", "off"), {
    description:
      'Clients that may register themselves: all ("open"), those with a token of latchkey initial-access-token ("token"), also those with a software statement of a trusted issuer ("statement"), or none ("off")',
    default: "open",
    hint: "give open, token, statement or off"
  }),
  softwareStatements: setting(StatementIssuers, {
    description: "Issuers whose software statements are verified (RFC 7591 §2.3), with their public keys",
    default: [],
    defaultText: "none",
    hint: 'give issuers as { "issuer": "https://…", "jwks": { "keys": […] } }, or with "jwksUri": "https://…"',
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
