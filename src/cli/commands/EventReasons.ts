/** The reasons of revocations and of login pauses, in words for the operator. */
import type { RevocationReason } from "../../domain/Grant.js"

/** Explanations of why a grant was revoked. */
export const ofRevocation: Readonly<Record<RevocationReason, string>> = {
  WrongVerifier: "its code was used with a wrong verifier",
  CodeReplayed: "its code was used twice",
  RefreshTokenReplayed: "an old refresh token was used again: it was copied, or a response was lost",
  Denied: "the user denied it in a second request",
  LostWrites: "its refresh token is newer than the database, which lost writes",
  TokenRevoked: "the client revoked it",
  SubjectRevoked: "the account was disabled or deleted, or its password was changed",
  ClientRevoked: "the client was disabled or deleted, or its secret was rotated",
  ConsentWithdrawn: "the user withdrew the consent",
  OperatorRevoked: "the operator revoked it",
  Restored: "the database was restored from a backup"
}

/** Explanations of why logins were paused. */
export const ofThrottle = {
  DeviceFailures: "too many failures in a known browser, which is treated as unknown for now",
  PairFailures: "too many failures with this name from one network, which must wait",
  NetworkFailures: "too many failures from one network, where unknown browsers must wait",
  NameFailures: "too many failures with this name, for which unknown browsers must wait"
} as const
