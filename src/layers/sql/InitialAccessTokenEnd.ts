/** The end of an initial access token as a SQL expression, word for word as in the index `initial_access_tokens_end`. */

/** The time at which a token was used up, else its expiry; null if it has no end. */
export const initialAccessTokenEnd = "(case when uses >= max_uses then used_at else expires_at end)"
