/** How clients come to be: by themselves (RFC 7591 §3), or by their operator. */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Client from "../domain/Client.js"
import * as DisplayText from "../domain/DisplayText.js"
import {
  Forbidden,
  InvalidClientMetadata,
  InvalidRedirectUri,
  type TemporarilyUnavailable
} from "../domain/OAuthError.js"
import * as RedirectUri from "../domain/RedirectUri.js"
import { ClientStore } from "./ClientStore.js"
import { digest, identifier, randomSecret } from "./Crypto.js"
import { Events } from "./Events.js"
import { GrantTypes } from "./GrantTypes.js"
import * as RegistrationQuota from "./RegistrationQuota.js"
import { ServerSettings } from "./ServerSettings.js"

/** A new client, and its secret, which nobody can read again. */
export interface Registered {
  readonly client: Client.Client
  readonly secret: Option.Option<Redacted.Redacted>
}

export class ClientRegistration extends Context.Tag("latchkey/ClientRegistration")<
  ClientRegistration,
  {
    /**
     * A client registers itself by its metadata, a JSON value of RFC 7591 §2. Members that are not known are ignored;
     * `client_id` and `client_secret` are always of this server's choosing. Of clients that nobody has used yet at most
     * `maxUnusedClients` are kept: the oldest makes room. With a maximum of 0 registration is closed.
     */
    readonly register: (
      metadata: unknown
    ) => Effect.Effect<Registered, Forbidden | InvalidClientMetadata | InvalidRedirectUri | TemporarilyUnavailable>
    /** The operator makes a client, which may ask for the scope of its metadata. */
    readonly create: (
      metadata: unknown
    ) => Effect.Effect<Registered, InvalidClientMetadata | InvalidRedirectUri | TemporarilyUnavailable>
  }
>() {}

/** A client secret (RFC 6749 §2.3.1). */
export const newClientSecret = randomSecret("lk_cs_")

const refuse = (reason: InvalidClientMetadata["reason"], description: string) =>
  new InvalidClientMetadata({ reason, description })

/** No `Retry-After`: it stays closed until the operator changes the setting. */
const closed = new Forbidden({
  reason: "RegistrationClosed",
  description: "clients cannot register themselves here; the operator of this server registers them"
})

/** Grant types that this server will never have (OAuth 2.1 §10): asking for one is a mistake, not a wish. */
const abandoned = new Set(["implicit", "password"])

const make = Effect.gen(function* () {
  const clients = yield* ClientStore
  const events = yield* Events
  const grantTypes = yield* GrantTypes
  const settings = yield* ServerSettings
  const watchQuota = RegistrationQuota.make(settings.maxUnusedClients, events.publish)
  const policy: RedirectUri.Policy = { privateUseSchemes: settings.privateUseSchemes }

  /** The members as a client sends them, with the defaults of RFC 7591 §2. */
  const Request = Schema.Struct({
    ...Client.ClientMetadata.fields,
    // `checkName` says why it refuses a name; a schema's error would not name the character.
    client_name: Schema.optional(Schema.String.pipe(Schema.maxLength(200))),
    redirect_uris: Schema.optionalWith(Schema.Array(RedirectUri.RedirectUri).pipe(Schema.maxItems(10)), {
      default: () => []
    }),
    token_endpoint_auth_method: Schema.optionalWith(Client.AuthMethod, { default: () => "client_secret_basic" }),
    grant_types: Schema.optionalWith(Schema.Array(Schema.String).pipe(Schema.maxItems(20)), {
      default: () => ["authorization_code"]
    }),
    response_types: Schema.optional(Schema.Array(Schema.Literal("code")).pipe(Schema.maxItems(1)))
  })
  const decode = Schema.decodeUnknown(Request)

  const checkRedirectUris = (uris: ReadonlyArray<string>) => {
    const reason = uris.map((uri) => RedirectUri.objection(uri, policy)).find((reason) => reason !== undefined)
    if (reason !== undefined) return refuseRedirectUri("NotAllowed", reason)
    return new Set(uris).size === uris.length
      ? Effect.void
      : refuseRedirectUri("NotAllowed", "a redirect URI is given twice")
  }

  const checkName = ({ client_name }: typeof Request.Type) => {
    const reason = client_name === undefined ? undefined : DisplayText.objection(client_name)
    return reason === undefined ? Effect.void : refuse("UnreadableName", `the member client_name ${reason}`)
  }

  const read = Effect.fnUntraced(function* (json: unknown, origin: Client.Client["origin"]) {
    if (typeof json !== "object" || json === null || Array.isArray(json)) {
      return yield* refuse("NotAnObject", "the metadata is not a JSON object")
    }
    if (Object.hasOwn(json, "jwks") && Object.hasOwn(json, "jwks_uri")) {
      return yield* refuse("Inconsistent", "jwks and jwks_uri are not given together (RFC 7591, 2)")
    }
    const known = Object.fromEntries(Object.keys(Request.fields).flatMap((name) => member(json, name)))
    const request = yield* Effect.mapError(decode(known), toRefusal)
    yield* checkRedirectUris(request.redirect_uris)
    yield* checkName(request)

    if (request.grant_types.some((grantType) => abandoned.has(grantType))) {
      return yield* refuse("Unsupported", "the grant types implicit and password do not exist here (OAuth 2.1, 10)")
    }
    // Clients list all that they know; what is not here is left out of the answer (RFC 7591 §3.2.1).
    const supported = (yield* grantTypes.names).filter(
      // Nobody is asked before a client acts for itself, so nobody can say yes to one that only said its own name.
      (grantType) => origin === "Operator" || grantType !== "client_credentials"
    )
    const grants = [...new Set(request.grant_types)].filter((grantType) => supported.includes(grantType))
    if (grants.length === 0) return yield* refuse("Unsupported", "none of the grant types is supported")
    const usesCode = grants.includes("authorization_code")
    const responseTypes = request.response_types ?? (usesCode ? ["code" as const] : [])
    if (usesCode !== responseTypes.includes("code")) {
      return yield* refuse("Inconsistent", "authorization_code and code go together (RFC 7591, 2.1)")
    }
    if (usesCode && request.redirect_uris.length === 0) {
      return yield* refuseRedirectUri("Missing", "redirect_uris is missing")
    }
    return { ...request, grant_types: grants, response_types: responseTypes }
  })

  const prepare = Effect.fnUntraced(function* (json: unknown, origin: Client.Client["origin"]) {
    const { scope, ...metadata } = yield* read(json, origin)
    const secret = metadata.token_endpoint_auth_method === "none" ? Option.none() : Option.some(yield* newClientSecret)
    const client: Client.Client = {
      id: Client.ClientId.make(yield* identifier),
      issuedAt: yield* DateTime.now,
      origin,
      // What a client may ask for is not its own to say (ADR 10).
      metadata: origin === "Dynamic" || scope === undefined ? metadata : { ...metadata, scope },
      secret: Option.map(secret, (secret) => ({ digest: digest(secret), expiresAt: Option.none() })),
      state: "Enabled",
      usedAt: Option.none(),
      epoch: 1
    }
    return { client, secret }
  })

  const told = Effect.fnUntraced(function* (registered: Registered) {
    const { id, origin } = registered.client
    yield* Effect.annotateCurrentSpan({ clientId: id })
    // A stranger's client may be gone in a day, and its event would stay: what was allowed to it is kept instead (ADR 26).
    const tell = origin === "Dynamic" ? events.mention : events.publish
    yield* tell({ _tag: "ClientRegistered", clientId: id, origin })
    return registered
  })

  return ClientRegistration.of({
    register: Effect.fn("ClientRegistration.register")(function* (json) {
      if (settings.maxUnusedClients === 0) return yield* closed
      const prepared = yield* prepare(json, "Dynamic")
      yield* watchQuota(yield* clients.insertDynamic(prepared.client, settings.maxUnusedClients))
      return yield* told(prepared)
    }),
    create: Effect.fn("ClientRegistration.create")(function* (json) {
      const prepared = yield* prepare(json, "Operator")
      yield* clients.insert(prepared.client)
      return yield* told(prepared)
    })
  })
})

const member = (json: object, name: string): ReadonlyArray<readonly [string, unknown]> =>
  Object.hasOwn(json, name) ? [[name, Reflect.get(json, name)]] : []

const refuseRedirectUri = (reason: InvalidRedirectUri["reason"], description: string) =>
  new InvalidRedirectUri({ reason, description })

/** RFC 7591 §3.2.2 has an error of its own for redirect URIs. */
/** A schema's message about a text or a list that is too long; it repeats what was sent, so only the limit is kept. */
const tooLong = /\bat most (\d+) (character|item)/

const toRefusal = (error: ParseResult.ParseError) => {
  const issues = ParseResult.ArrayFormatter.formatErrorSync(error)
  const name = String(issues[0]?.path[0])
  const [, limit, unit] = issues.map(({ message }) => tooLong.exec(message)).find((found) => found !== null) ?? []
  if (limit !== undefined) {
    const reason = `the member ${name} is too long: it may have at most ${limit} ${unit}s`
    return name === "redirect_uris" ? refuseRedirectUri("NotAllowed", reason) : refuse("MalformedMember", reason)
  }
  return name === "redirect_uris"
    ? refuseRedirectUri("NotAllowed", "redirect_uris is malformed")
    : refuse("MalformedMember", `the member ${name} is malformed`)
}

export const layer = Layer.effect(ClientRegistration, make)
