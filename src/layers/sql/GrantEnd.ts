/** The end of a grant as SQL, for the store and for the status report. */

/**
 * The time when a grant ended or will end: its revocation, the expiry of a code that was not redeemed, or its absolute end.
 * The index "grants_end" is used only where a statement repeats this text word for word.
 */
export const grantEnd = `case
  when state = 'Revoked' and revoked_at < expires_at then revoked_at
  when state = 'Approved' and code_expires_at < expires_at then code_expires_at
  else expires_at
end`
