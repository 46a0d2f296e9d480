/** Version 6. The scopes of a resource that imply others, as a JSON object: each scope with a list of those that it implies. */
export const statements = (): ReadonlyArray<string> => [
  "alter table resources add column implies text not null default '{}'"
]
