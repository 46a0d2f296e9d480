/** A grant as a row. One table has all states of a grant, so that a change of state is a change of one row. */
import type * as SqlClient from "@effect/sql/SqlClient"
import * as DateTime from "effect/DateTime"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Subject } from "../../../domain/Account.js"
import type { Chain } from "../../../domain/Chain.js"
import { ClientId } from "../../../domain/Client.js"
import { CodeChallenge } from "../../../domain/CodeChallenge.js"
import { Digest } from "../../../domain/Digest.js"
import * as Grant from "../../../domain/Grant.js"
import { NetworkTag } from "../../../domain/NetworkTag.js"
import type { TemporarilyUnavailable } from "../../../domain/OAuthError.js"
import { RedirectUri } from "../../../domain/RedirectUri.js"
import { ResourceIndicator } from "../../../domain/Resource.js"
import * as ResourceScopes from "../../../domain/ResourceScopes.js"
import { SessionId } from "../../../domain/Session.js"
import { BoundedMap } from "../../../services/BoundedMap.js"
import * as SqlFailure from "../SqlFailure.js"
import * as ScopeText from "./ScopeText.js"

/** The columns, in the order of the table. */
const columns =
  "id, state, subject, client_id, redirect_uri, granted, session_id, authenticated_at, approved_at, expires_at, subject_epoch, client_epoch, consent_epoch, code_digest, code_challenge, code_expires_at, redeemed_at, redeemed_from, generation, token_digest, chain_key, rotated_at, rotated_from, burst_generation, burst_began_at, burst_began_from, idle_expires_at, revoked_at, revocation_reason, installation"

/**
 * Returns the columns of a query. SQLite writes them as one JSON text: its driver makes an object column by column, and takes twice
 * as long for it as for the text.
 */
export const selection = (sql: SqlClient.SqlClient): string =>
  sql.onDialectOrElse({
    sqlite: () => `json_object(${columns.split(", ").map((column) => `'${column}', ${column}`)}) as ${packed}`,
    orElse: () => columns
  })

/** The column with the JSON text of a row. */
const packed = "packed"

/** Returns the columns of a row, whichever form it has. */
const unpack = (row: Row): Row => {
  const text = row[packed]
  return typeof text === "string" ? (JSON.parse(text) as Row) : row
}

/**
 * Decodes a row. Fails if the row is not a grant. Every request with a token decodes one, so this code does not use a schema,
 * which takes five times as long.
 */
export const decode = (row: object): Either.Either<Grant.Grant, TemporarilyUnavailable> =>
  Either.try({
    try: () => grantOf(unpack(row as Row)),
    // Any other exception is from JSON that cannot be parsed.
    catch: (cause) => SqlFailure.unreadable("grants", cause instanceof Unreadable ? cause.column : "granted")
  })

type Row = Readonly<Record<string, unknown>>

/** A column has an invalid value. */
class Unreadable extends Error {
  constructor(readonly column: string) {
    super()
  }
}

const text = (row: Row, column: string): string => {
  const value = row[column]
  if (typeof value === "string") return value
  throw new Unreadable(column)
}

const integer = (row: Row, column: string): number => {
  const value = row[column]
  if (Number.isSafeInteger(value)) return value as number
  throw new Unreadable(column)
}

const instant = (row: Row, column: string): DateTime.Utc => DateTime.unsafeMake(integer(row, column))

const optional = <A>(row: Row, column: string, read: (row: Row, column: string) => A): Option.Option<A> =>
  row[column] === null ? Option.none() : Option.some(read(row, column))

const grantOf = (row: Row): Grant.Grant => {
  const terms = termsOf(row)
  const code = codeOf(row)
  switch (row.state) {
    case "Approved":
      return Grant.Grant.Approved({ terms, code })
    case "Active": {
      const chain = optional(row, "generation", chainOf)
      const redeemedAt = instant(row, "redeemed_at")
      return Grant.Grant.Active({
        terms,
        code,
        redeemedAt,
        redeemedFrom: optional(row, "redeemed_from", network),
        chain
      })
    }
    case "Revoked": {
      const redeemedAt = optional(row, "redeemed_at", instant)
      const reason = text(row, "revocation_reason")
      if (!isReason(reason)) throw new Unreadable("revocation_reason")
      return Grant.Grant.Revoked({ terms, code, redeemedAt, revokedAt: instant(row, "revoked_at"), reason })
    }
    default:
      throw new Unreadable("state")
  }
}

const isReason = Schema.is(Grant.RevocationReason)

const termsOf = (row: Row): Grant.Terms => ({
  id: Grant.GrantId.make(text(row, "id"), true),
  subject: Subject.make(text(row, "subject"), true),
  clientId: ClientId.make(text(row, "client_id"), true),
  redirectUri: RedirectUri.make(text(row, "redirect_uri"), true),
  granted: parseGranted(text(row, "granted")),
  sessionId: SessionId.make(text(row, "session_id"), true),
  authenticatedAt: instant(row, "authenticated_at"),
  approvedAt: instant(row, "approved_at"),
  expiresAt: instant(row, "expires_at"),
  epochs: {
    subject: integer(row, "subject_epoch"),
    client: integer(row, "client_epoch"),
    consent: integer(row, "consent_epoch")
  },
  installation: row.installation === null ? Option.none() : Option.some(installationOf(text(row, "installation")))
})

const Installation = Schema.parseJson(
  Schema.Struct({
    clientName: Schema.String,
    authMethod: Schema.String,
    browser: Schema.optionalWith(Schema.String, { as: "Option" }),
    sealedNetwork: Schema.optionalWith(Schema.String, { as: "Option" })
  })
)
const decodeInstallation = Schema.decodeOption(Installation)
const encodeInstallation = Schema.encodeSync(Installation)

const installationOf = (json: string): Grant.Installation =>
  Option.getOrThrowWith(decodeInstallation(json), () => new Unreadable("installation"))

/** The parsed texts of `granted`. Most grants have one of a few texts, and each text is that of one immutable value. */
const known = new BoundedMap<string, ResourceScopes.ResourceScopes>(256)

/** Parses a JSON object of resource to scope, as `encode` writes it. */
const parseGranted = (json: string): ResourceScopes.ResourceScopes =>
  known.get(json) ?? known.remember(json, parse(json))

const parse = (json: string): ResourceScopes.ResourceScopes => {
  const record: unknown = JSON.parse(json)
  if (typeof record !== "object" || record === null || Array.isArray(record)) throw new Unreadable("granted")
  return ResourceScopes.make(
    ...Object.entries(record).map(([uri, scope]) => {
      if (typeof scope !== "string") throw new Unreadable("granted")
      return [ResourceIndicator.make(uri, true), ScopeText.parse(scope)] as const
    })
  )
}

const codeOf = (row: Row): Grant.PendingCode => ({
  digest: Digest.make(text(row, "code_digest"), true),
  challenge: CodeChallenge.make(text(row, "code_challenge"), true),
  expiresAt: instant(row, "code_expires_at")
})

const network = (row: Row, column: string): NetworkTag => NetworkTag.make(text(row, column), true)

const chainOf = (row: Row): Chain => ({
  generation: integer(row, "generation"),
  digest: Digest.make(text(row, "token_digest"), true),
  key: text(row, "chain_key"),
  rotatedAt: instant(row, "rotated_at"),
  rotatedFrom: optional(row, "rotated_from", network),
  burst: optional(row, "burst_generation", () => ({
    generation: integer(row, "burst_generation"),
    beganAt: instant(row, "burst_began_at"),
    beganFrom: optional(row, "burst_began_from", network)
  })),
  idleExpiresAt: instant(row, "idle_expires_at")
})

/** Returns the parameters of the statement that inserts a grant. */
export const encode = ({ code, terms }: Grant.Approved) => ({
  id: terms.id,
  subject: terms.subject,
  clientId: terms.clientId,
  redirectUri: terms.redirectUri,
  granted: JSON.stringify(ResourceScopes.toRecord(terms.granted)),
  sessionId: terms.sessionId,
  authenticatedAt: terms.authenticatedAt.epochMillis,
  approvedAt: terms.approvedAt.epochMillis,
  expiresAt: terms.expiresAt.epochMillis,
  subjectEpoch: terms.epochs.subject,
  clientEpoch: terms.epochs.client,
  consentEpoch: terms.epochs.consent,
  installation: Option.getOrNull(Option.map(terms.installation, encodeInstallation)),
  codeDigest: code.digest,
  codeChallenge: code.challenge,
  codeExpiresAt: code.expiresAt.epochMillis
})
