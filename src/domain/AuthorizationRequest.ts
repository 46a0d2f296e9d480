/** The authorization request (RFC 6749 §4.1.1, RFC 7636 §4.3, RFC 8707 §2.1, OpenID Connect Core §3.1.2.1). */
import * as Data from "effect/Data"
import type * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import type { Client, ClientId } from "./Client.js"
import type { CodeChallenge } from "./CodeChallenge.js"
import type {
  AccessDenied,
  ConsentRequired,
  InvalidRequest,
  InvalidScope,
  InvalidTarget,
  LoginRequired,
  RequestNotSupported,
  RequestUriNotSupported,
  UnauthorizedClient,
  UnsupportedResponseType
} from "./OAuthError.js"
import type { RedirectUri } from "./RedirectUri.js"
import type { Resource } from "./Resource.js"
import type { Scope } from "./Scope.js"

/** The address of the response. It is verified before any other part of the request is read. */
export interface ReplyAddress {
  readonly client: Client
  readonly redirectUri: RedirectUri
  /** Returned byte for byte (RFC 6749 §4.1.2). Redacted, because spans record errors that hold it. */
  readonly state: Option.Option<Redacted.Redacted>
}

/** A valid request. */
export interface AuthorizationRequest extends ReplyAddress {
  readonly scope: Scope
  readonly resources: ReadonlyArray<Resource>
  readonly codeChallenge: CodeChallenge
  readonly prompt: ReadonlySet<"none" | "login" | "consent" | "select_account">
  /** Maximum age of the login, in seconds. */
  readonly maxAge: Option.Option<number>
  /** The user name that the client expects. */
  readonly loginHint: Option.Option<Redacted.Redacted>
}

/** The errors that an authorization response may carry (RFC 6749 §4.1.2.1). */
export type AuthorizationError =
  | InvalidRequest
  | UnauthorizedClient
  | AccessDenied
  | UnsupportedResponseType
  | InvalidScope
  | InvalidTarget
  | LoginRequired
  | ConsentRequired
  | RequestNotSupported
  | RequestUriNotSupported

/**
 * The request fails before its client and redirect URI are verified: the user sees a page, and is not redirected
 * (RFC 6749 §4.1.2.1).
 */
export class AuthorizationRefused extends Data.TaggedError("AuthorizationRefused")<{
  readonly reason:
    | "MalformedRequest"
    | "MissingClientId"
    | "UnknownClient"
    | "DisabledClient"
    | "ClientAwaitsApproval"
    | "ClientNotAccepted"
    | "ClientDocument"
    | "MissingRedirectUri"
    | "UnregisteredRedirectUri"
  readonly description: string
  /** The client, for `ClientAwaitsApproval`. */
  readonly clientId?: ClientId | undefined
}> {}

/** The request fails after that: a redirect reports the error to the client. */
export class AuthorizationRejected extends Data.TaggedError("AuthorizationRejected")<{
  readonly replyTo: ReplyAddress
  readonly error: AuthorizationError
}> {}
