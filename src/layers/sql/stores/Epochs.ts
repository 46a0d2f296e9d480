/** Epochs in SQL: what was made under another than the present one is dead. */

/**
 * The epoch that what is good of a row's `subject` was made under. A person that has no account here is another
 * system's, and has epoch 0; accounts begin at 1, so nothing of one outlives it. A disabled account has none.
 */
export const subjectEpoch = <const Table extends "grants" | "sessions">(table: Table) =>
  `coalesce((
    select case state when 'Enabled' then epoch else -1 end from accounts
    where issuer = ${table}.issuer and id = ${table}.subject
  ), 0)` as const
