/**
 * The rooms of `src`, innermost first. A file may import its own room and the rooms before it; `only` narrows that to the
 * rooms that it names. A folder of `src` that is not listed is refused.
 *
 * @typedef {{ readonly name: string, readonly only?: ReadonlyArray<string> }} Room
 * @type {ReadonlyArray<Room>}
 */
export const rooms = [
  { name: "domain" },

  { name: "services/stores" },
  { name: "services" },
  { name: "services/keys" },
  { name: "services/events" },
  { name: "services/outbound", only: ["domain"] },
  { name: "services/resources" },
  { name: "services/metadata" },
  { name: "services/outbound" },
  { name: "services/tokens" },
  { name: "services/grants" },
  { name: "services/outbound" },
  { name: "services/clients" },
  { name: "services/accounts" },
  { name: "services/authorization" },
  { name: "services/maintenance" },

  { name: "http/pages" },
  { name: "http/views" },
  { name: "http/wire" },
  { name: "http/oauth" },
  { name: "http/guard" },
  { name: "http/mcp" },
  { name: "http/browser" },
  { name: "http/admin" },

  { name: "layers/memory", only: ["domain", "services"] },
  { name: "layers/settings" },
  { name: "layers/files" },
  { name: "layers/passwords" },
  { name: "layers/sql/migrations" },
  { name: "layers/sql" },
  { name: "layers/sql/sqlite" },
  { name: "layers/sql/postgres" },
  { name: "layers/sql/stores" },
  { name: "layers/node" },
  { name: "layers/outbound", only: ["domain", "services"] },
  { name: "layers/guard" },
  { name: "layers/wiring" },
  { name: "layers" },

  { name: "cli/terminal" },
  { name: "cli/settings" },
  { name: "cli/demo" },
  { name: "cli/commands" },
  { name: "cli/workers" },
  { name: "cli/serve" },
  { name: "cli" },

  // Published for the tests of apps and of storages; nothing of `src` imports it.
  { name: "testing/contracts", only: ["domain", "services"] },
  { name: "testing/histories", only: ["domain", "services", "testing/contracts"] },
  { name: "testing" }
]
