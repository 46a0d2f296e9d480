/** Help on standard output, usage errors in one line on standard error, and exit codes. */
import { describe, expect, it } from "vitest"
import packageJson from "../../../package.json" with { type: "json" }
import * as Cli from "../../support/Cli.js"
import * as Commands from "../../support/Commands.js"

describe("help", () => {
  it("the help names every command", async () => {
    const { code, stderr, stdout } = await Cli.run(["--help"])
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    const commands = [
      "serve",
      ...["create", "list", "disable", "enable", "set-password", "delete"].map((verb) => `user ${verb}`),
      ...["create", "list", "show", "disable", "enable", "rotate-secret", "delete"].map((verb) => `client ${verb}`),
      ...["create", "list", "delete"].map((verb) => `resource ${verb}`),
      ...["list", "show", "revoke"].map((verb) => `grant ${verb}`),
      "events",
      "config",
      ...["status", "gc", "migrate", "backup", "copy"].map((verb) => `db ${verb}`)
    ]
    for (const command of commands) {
      expect(stdout).toContain(`latchkey ${command}`)
    }
  })

  it.each([
    [
      "serve",
      [
        "--host",
        "--port",
        "--issuer",
        "--database",
        "--demo",
        "LATCHKEY_PORT",
        "LATCHKEY_ACCESS_TOKEN_TTL",
        "LATCHKEY_RATE_LIMIT",
        "--config"
      ]
    ],
    ["user create", ["NAME", "--password-stdin", "--database", "--issuer"]],
    ["client create", ["--name", "--redirect-uri", "--confidential", "--auth-method", "--grant", "--scope", "--json"]],
    ["client list", ["--json"]],
    ["client rotate-secret", ["<ID>", "--json", "--database"]],
    ["resource create", ["<URI>", "--name", "--scope", "--introspects", "--json"]],
    ["grant revoke", ["<ID>", "--user", "--client", "--all"]],
    ["events", ["--follow", "--user", "--client", "--grant", "--limit", "--json"]]
  ])("the help of %s lists its arguments and options", async (command, words) => {
    const { code, stderr, stdout } = await Commands.run([...command.split(" "), "--help"])
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    expect(stdout).toMatch(new RegExp(`^Usage: latchkey ${command} `))
    for (const word of words) expect(stdout).toContain(word)
  })

  it("the help is plain text of at most 100 columns in a pipe", async () => {
    const { stdout } = await Commands.run(["serve", "--help"])
    expect(stdout).not.toContain("\u001b")
    expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(100)
  })

  it("the help has no text of @effect/cli about types", async () => {
    const { stdout } = await Commands.run(["client", "create", "--help"])
    expect(stdout).not.toMatch(/wizard|user-defined|This (setting|option)/)
  })
})

it("--version prints the version", async () => {
  expect(await Cli.run(["--version"])).toEqual({ code: 0, stdout: `${packageJson.version}\n`, stderr: "" })
})

describe("wrong usage ends with 2 and one line on standard error", () => {
  it.each([
    [[], /which command/],
    [["user"], /latchkey user --help/],
    [["sevre"], /serve/],
    [["serve", "--prot", "1"], /'--prot' \(unknown option/],
    [["serve", "--port"], /'--port' .*value missing/],
    [["serve", "--port", "1", "--port", "2"], /'--port' .*given twice/],
    [["serve", "here"], /'here'/],
    [["serve", "--wizard"], /--wizard/],
    [["serve", "--log-level", "loud"], /--log-level/],
    [["user", "create"], /NAME/],
    [["user", "create", "ada lovelace", "--password-stdin"], /NAME: .*space/],
    [["client", "create", "--redirect-uri", "https://a.example/"], /--name/],
    [
      ["client", "create", "--name", "A", "--redirect-uri", "https://a.example/", "--auth-method", "none"],
      /client_secret/
    ]
  ])("the command line %j is a usage error", async (args, line) => {
    const { code, stderr, stdout } = await Commands.run(args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" })
    expect(stderr).toMatch(line)
    expect(stderr).toMatch(/^latchkey: [^\n]+\n$/)
  })
})
