/**
 * Software statements (RFC 7591 §2.3): metadata that an issuer signed, so that a client cannot change them. The statements of
 * the issuers in the settings are verified; those of others are ignored.
 */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as jose from "jose"
import * as ClientKeySet from "../../domain/ClientKeySet.js"
import {
  InvalidClientMetadata,
  InvalidSoftwareStatement,
  type TemporarilyUnavailable,
  UnapprovedSoftwareStatement
} from "../../domain/OAuthError.js"
import { ServerSettings } from "../ServerSettings.js"
import * as StatementKeys from "./StatementKeys.js"

/** A verified statement: its text, and the metadata that it states. */
export interface SoftwareStatement {
  readonly text: string
  readonly claims: Readonly<Record<string, unknown>>
}

type Refused = InvalidSoftwareStatement | TemporarilyUnavailable

export class SoftwareStatements extends Context.Tag("latchkey/SoftwareStatements")<
  SoftwareStatements,
  {
    /**
     * Verifies the statement in metadata, a JSON value. Returns `undefined` if there is none, or none of a known issuer. Fails
     * if it is malformed, expired, or has a wrong signature.
     */
    readonly verify: (metadata: unknown) => Effect.Effect<SoftwareStatement | undefined, Refused>
    /** As `verify`, but fails if there is no statement of a known issuer. */
    readonly require: (
      metadata: unknown
    ) => Effect.Effect<SoftwareStatement, Refused | UnapprovedSoftwareStatement | InvalidClientMetadata>
  }
>() {}

/** Returns the metadata of a client, whose members the claims of a statement replace (RFC 7591 §2.3). */
export const apply = (metadata: unknown, statement: SoftwareStatement | undefined): unknown =>
  statement === undefined || typeof metadata !== "object" || metadata === null || Array.isArray(metadata)
    ? metadata
    : { ...metadata, ...statement.claims }

/** Signature algorithms: those with which clients sign. */
const algorithms = [...ClientKeySet.algorithms]

/** Maximum length of a statement in characters. */
const maxLength = 8192

/** Difference between the clocks of an issuer and of this server that is tolerated, in seconds. */
const clockTolerance = 60

/** Claims about the statement itself (RFC 7519 §4.1). They are no metadata of the client. */
const registered: ReadonlySet<string> = new Set(["iss", "sub", "aud", "exp", "nbf", "iat", "jti"])

const refuse = (reason: InvalidSoftwareStatement["reason"], description: string) =>
  new InvalidSoftwareStatement({ reason, description })

const malformed = refuse("Malformed", "software_statement is not a signed JSON Web Token (RFC 7519)")

const required = new InvalidClientMetadata({
  reason: "StatementRequired",
  description: "a client registers here with a software_statement or with an initial access token"
})

const unapproved = new UnapprovedSoftwareStatement({
  reason: "UnknownIssuer",
  description: "this server does not trust the issuer of software_statement"
})

/** Returns the error for an error of jose. */
const refusalOf = (error: unknown): InvalidSoftwareStatement =>
  error instanceof jose.errors.JWTExpired
    ? refuse("Expired", "software_statement has expired")
    : error instanceof jose.errors.JWTClaimValidationFailed
      ? refuse("Malformed", `the claim ${error.claim} of software_statement is not valid`)
      : error instanceof jose.errors.JWSSignatureVerificationFailed || error instanceof jose.errors.JWKSNoMatchingKey
        ? refuse("WrongSignature", "no key of the issuer verifies the signature of software_statement")
        : malformed

/** Returns the statement in metadata; `undefined` if the member is missing or has no value. */
const memberOf = (metadata: unknown): unknown => {
  if (typeof metadata !== "object" || metadata === null || !Object.hasOwn(metadata, "software_statement"))
    return undefined
  const value: unknown = Reflect.get(metadata, "software_statement")
  return value === null || value === "" ? undefined : value
}

const noStatement: SoftwareStatement | undefined = undefined

const make = Effect.gen(function* () {
  const { softwareStatements } = yield* ServerSettings
  const keysOf = new Map(
    yield* Effect.forEach(softwareStatements, ({ issuer, keys }) =>
      Effect.map(StatementKeys.make(keys), (keys) => [issuer, keys] as const)
    )
  )

  const verifyText = Effect.fnUntraced(function* (text: unknown) {
    if (typeof text !== "string" || text.length > maxLength) return yield* malformed
    const issuer = yield* Effect.try({ try: () => jose.decodeJwt(text).iss, catch: () => malformed })
    const keys = issuer === undefined ? undefined : keysOf.get(issuer)
    if (issuer === undefined || keys === undefined) return undefined
    const currentDate = DateTime.toDateUtc(yield* DateTime.now)
    const payload = yield* keys.use((keys) =>
      Effect.tryPromise({
        try: async () =>
          (await jose.jwtVerify(text, keys, { algorithms, clockTolerance, currentDate, issuer })).payload,
        catch: refusalOf
      })
    )
    const claims = Object.fromEntries(Object.entries(payload).filter(([name]) => !registered.has(name)))
    return { text, claims }
  })

  const verify: Context.Tag.Service<SoftwareStatements>["verify"] = (metadata) => {
    const text = keysOf.size === 0 ? undefined : memberOf(metadata)
    return text === undefined
      ? Effect.succeed(noStatement)
      : Effect.withSpan(verifyText(text), "SoftwareStatements.verify")
  }

  return SoftwareStatements.of({
    verify,
    require: (metadata) =>
      Effect.flatMap(
        verify(metadata),
        (statement): Effect.Effect<SoftwareStatement, InvalidClientMetadata | UnapprovedSoftwareStatement> => {
          if (statement !== undefined) return Effect.succeed(statement)
          return memberOf(metadata) === undefined ? required : unapproved
        }
      )
  })
})

export const layer = Layer.effect(SoftwareStatements, make)
