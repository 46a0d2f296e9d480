import { describe, expect, it } from "vitest"
import { type AccountPage, accountPage } from "../../../src/http/pages/AccountPage.js"
import { find, text } from "./markup.js"
import { account, externalAccount, form } from "./samples.js"

const [notes, inspector] = account.apps as [AccountPage["apps"][number], AccountPage["apps"][number]]

/** The forms of a page, each from its start tag to its end tag. */
const forms = (page: string): ReadonlyArray<string> => page.match(/<form .*?<\/form>/gs) ?? []

/** The sealed states of the forms whose one button begins with a label, in their order. */
const sealed = (page: string, label: string) =>
  forms(page)
    .filter((form) => find(form, "button", { type: "submit" }).length === 1 && text(form).includes(label))
    .map((form) => find(form, "input", { type: "hidden", name: "form" })[0]?.attributes.value)

describe("AccountPage", () => {
  it("the account page shows the user, and each app with its dates, resources and scopes", () => {
    const page = text(accountPage(account))
    expect(page).toContain("Logged in as ada Log out")
    expect(page).toContain(
      [
        "Notes Desktop",
        "Sends you to notes.example.com, a program on your computer (127.0.0.1:1234), an app on your device (com.example.app:)",
        "Allowed since 1 June 2026Last used 7 June 2026",
        "Notes https://api.example.com/notes"
      ].join(" ")
    )
    expect(page).toMatch(/Read your notes notes:read ?Write your notes notes:write/)
    expect(page).toContain("Files https://api.example.com/files Nothing in particular here.")
    expect(find(accountPage(account), "section")).toHaveLength(2)
  })

  it("only an app that registered itself is marked as unverified", () => {
    const warned = "Unverified: this app registered itself, and its name was not checked."
    expect(text(accountPage({ ...account, apps: [inspector] }))).toContain(warned)
    expect(text(accountPage({ ...account, apps: [notes] }))).not.toContain("Unverified")
  })

  it("the account page says when no app has access", () => {
    expect(text(accountPage({ ...account, apps: [] }))).toContain("No app has access.")
    expect(text(accountPage(account))).not.toContain("No app has access.")
  })

  it("each app has its own form, and the accessible name of its button names the app", () => {
    const apps = [
      { ...notes, form: "sealed-notes" },
      { ...inspector, form: "sealed-inspector" }
    ]
    const page = accountPage({ ...account, apps })
    expect(sealed(page, "Remove access")).toEqual(["sealed-notes", "sealed-inspector"])
    expect(text(page)).toContain("Remove access for Notes Desktop, sends you to notes.example.com, a program")
    expect(text(page)).toContain("Remove access for Inspector (unverified), allowed since 3 May 2026")
  })

  it("this browser is marked and has a logout link; each other session has its own form", () => {
    const sessions = [
      { ...account.sessions[0]!, form: "sealed-this" },
      { ...account.sessions[1]!, form: "sealed-other" }
    ]
    const page = accountPage({ ...account, sessions })
    expect(sealed(page, "Log out there")).toEqual(["sealed-other"])
    expect(page).not.toContain("sealed-this")
    expect(text(page)).toContain(
      [
        "Edge on macOS This browser Logged in 4 June 2026, from 192.0.2.7 Log out",
        "Unknown browser Logged in 2 April 2026 Log out there: Unknown browser, logged in 2 April 2026"
      ].join(" ")
    )
    expect(text(page).split("This browser")).toHaveLength(2)
    expect(find(page, "a").map(({ attributes }) => attributes.href)).toEqual([account.logoutUrl, account.logoutUrl])
  })

  /** The accessible names of the buttons that begin with these words. */
  const buttons = (page: string, words: string) =>
    forms(page)
      .map((form) => text(form.replace(/^.*?<button/s, "<button")))
      .filter((name) => name.startsWith(words))

  it("three apps of one name are distinguished by their targets and dates", () => {
    const agent = { ...form, clientName: "Agent", clientOrigin: "Dynamic", resources: [] } as const
    const apps: AccountPage["apps"] = [
      { ...agent, since: "1 June 2026", targets: [{ _tag: "Host", host: "a.example" }] },
      { ...agent, since: "1 June 2026", targets: [{ _tag: "Host", host: "b.example" }] },
      { ...agent, since: "2 June 2026", targets: [{ _tag: "Host", host: "b.example" }] }
    ]
    const page = accountPage({ ...account, apps })
    expect(buttons(page, "Remove access")).toEqual([
      "Remove access for Agent (unverified), sends you to a.example, allowed since 1 June 2026",
      "Remove access for Agent (unverified), sends you to b.example, allowed since 1 June 2026",
      "Remove access for Agent (unverified), sends you to b.example, allowed since 2 June 2026"
    ])
    expect(text(page)).not.toContain("of 3")
  })

  it("apps and sessions that look the same are numbered, on the page and on their buttons", () => {
    const app = { ...inspector, lastUsed: undefined }
    const session = { ...form, since: "4 June 2026", browser: "curl", network: "192.0.2.7", isThis: false }
    const apps = [app, { ...app, lastUsed: "5 May 2026" }, notes]
    const page = accountPage({ ...account, apps, sessions: [{ ...session, isThis: true }, session, session] })
    expect(text(page)).toContain("Allowed since 3 May 2026 (1 of 2)")
    expect(text(page)).toContain("Allowed since 3 May 2026 (2 of 2)Last used 5 May 2026")
    expect(text(page)).toContain("curl This browser Logged in 4 June 2026, from 192.0.2.7 (1 of 3)")
    for (const action of ["Remove access", "Log out there"]) {
      const names = buttons(page, action)
      expect(new Set(names).size, action).toBe(names.length)
    }
    expect(buttons(page, "Log out there")).toEqual([
      "Log out there: curl, logged in 4 June 2026, from 192.0.2.7 (2 of 3)",
      "Log out there: curl, logged in 4 June 2026, from 192.0.2.7 (3 of 3)"
    ])
  })

  it("the page names three targets of an app and counts the others", () => {
    const targets = ["a", "b", "c", "d", "e"].map((name) => ({ _tag: "Host", host: `${name}.example` }) as const)
    const page = text(accountPage({ ...account, apps: [{ ...notes, targets }] }))
    expect(page).toContain("Sends you to a.example, b.example, c.example and 2 more")
    expect(text(accountPage({ ...account, apps: [inspector] }))).not.toContain("Sends you to")
  })

  it("the page gives advice about other sessions, or says that there are none", () => {
    const alone = text(accountPage({ ...account, sessions: account.sessions.slice(0, 1) }))
    expect(alone).toContain("You are logged in nowhere else.")
    expect(alone).not.toContain("Is one of these not you?")
    expect(text(accountPage(account))).toContain("Is one of these not you? Log out there, then change your password.")
    expect(text(accountPage(account))).not.toContain("nowhere else")
  })

  it("password managers recognise the password inputs, and none is filled in", () => {
    const page = accountPage({ ...account, password: { ...form, problems: ["WrongPassword"] } })
    const passwords = find(page, "input", { type: "password", required: "" }).map(({ attributes }) => attributes)
    expect(passwords.map(({ autocomplete, minlength, name }) => [name, autocomplete, minlength])).toEqual([
      ["current_password", "current-password", undefined],
      ["password", "new-password", "8"],
      ["password_again", "new-password", "8"]
    ])
    for (const attributes of passwords) expect(attributes).not.toHaveProperty("value")
    expect(sealed(page, "Change password")).toEqual(["sealed-form"])
  })

  it("the page of an app's user has no password form, sessions or logout link", () => {
    const page = accountPage(externalAccount)
    expect(text(page)).toContain("Apps with access")
    expect(text(page)).not.toMatch(/password|logged in nowhere|Where you are|Log out/i)
    expect(forms(page)).toHaveLength(account.apps.length)
  })

  it("the password form has the username for password managers; it is not sent, and the keyboard skips it", () => {
    const [username] = find(accountPage(account), "input", { autocomplete: "username" })
    expect(username?.attributes).toMatchObject({ type: "text", value: "ada", readonly: "", tabindex: "-1" })
    expect(username?.attributes).not.toHaveProperty("name")
  })

  it.each([
    ["WrongPassword", "not your current password", ["current_password"]],
    ["PasswordInvalid", "at least 8 characters", ["password"]],
    ["PasswordWellKnown", "well known", ["password"]],
    ["PasswordsDiffer", "two new passwords differ", ["password", "password_again"]],
    ["Throttled", "Too many attempts", []]
  ] as const)(
    "the problem %s is shown, its fields are marked, and the first field has the focus",
    (problem, words, marked) => {
      const page = accountPage({ ...account, password: { ...form, problems: [problem] } })
      const names = (attributes: Record<string, string>) =>
        find(page, "input", attributes).map((input) => input.attributes.name)
      expect(text(page)).toContain(words)
      expect(find(page, "div", { id: "problem", role: "alert" })).toHaveLength(1)
      expect(names({ "aria-invalid": "true" })).toEqual(marked)
      expect(names({ autofocus: "" })).toEqual(["current_password"])
      expect(names({ autofocus: "", "aria-describedby": "problem" })).toEqual(["current_password"])
    }
  )

  it("a page without a problem has no autofocus and no alert", () => {
    expect(find(accountPage(account), "input", { autofocus: "" })).toHaveLength(0)
    expect(find(accountPage(account), "div", { role: "alert" })).toHaveLength(0)
  })

  it.each([
    ["AccessRemoved", "Access removed."],
    ["SessionEnded", "That browser is logged out."],
    ["PasswordChanged", "Your password is changed."]
  ] as const)("the notice %s is a status at the top of the page", (notice, words) => {
    const page = accountPage({ ...account, notice })
    expect(text(page)).toContain(`Your account ${words}`)
    expect(find(page, "div", { role: "status" })).toHaveLength(1)
    expect(find(accountPage(account), "div", { role: "status" })).toHaveLength(0)
  })
})
