import { describe, expect, it } from "vitest"
import * as Pages from "../../../src/http/pages/index.js"
import { find, text } from "./markup.js"
import { firstAccount, firstAccountDone, home, notice } from "./samples.js"

describe("RedirectNoticePage", () => {
  it("names the app and the target, advises, and goes on by a link that tells nothing of where it was", () => {
    const page = Pages.redirectNoticePage(notice)
    expect(text(page)).toContain("App Notes Desktop Asks to send you to notes.example.com")
    expect(text(page)).toContain("close this page")
    expect(text(page)).toContain("Continue to notes.example.com")
    expect(find(page, "a")).toEqual([
      { name: "a", attributes: { class: "button", href: notice.continueUrl, rel: "noreferrer" } }
    ])
  })
})

describe("ErrorPage", () => {
  it("is titled by what happened, and names the incident only when there is one", () => {
    const page = Pages.errorPage({ title: "It cannot go on", message: "Try again." })
    expect(page).toContain("<title>It cannot go on</title>")
    expect(text(page)).not.toContain("incident")
    expect(text(Pages.errorPage({ title: "t", message: "m", incident: "0197" }))).toContain("incident 0197")
  })
})

describe("LogoutPage", () => {
  it("asks whoever is logged in", () => {
    const page = Pages.logoutPage({ username: "ada", formAction: "/logout", form: "f" })
    expect(text(page)).toContain("Logged in as ada")
    expect(find(page, "form", { method: "post", action: "/logout" })).toHaveLength(1)
    expect(find(page, "button", { type: "submit" })).toHaveLength(1)
  })
})

describe("FirstAccountPage", () => {
  it("names its inputs as password managers know them", () => {
    const page = Pages.firstAccountPage(firstAccount)
    expect(find(page, "input", { name: "username", autocomplete: "username", autocapitalize: "none" })).toHaveLength(1)
    for (const name of ["password", "password_again"]) {
      const [input] = find(page, "input", { name, type: "password", autocomplete: "new-password", minlength: "8" })
      expect(input?.attributes).not.toHaveProperty("value")
      expect(input?.attributes).not.toHaveProperty("maxlength")
    }
  })

  it.each([
    ["NameInvalid", ["username"], "username"],
    ["PasswordInvalid", ["password"], "password"],
    ["PasswordWellKnown", ["password"], "password"],
    ["PasswordsDiffer", ["password", "password_again"], "password"],
    ["Busy", [], "password"]
  ] as const)("on %s marks the fields in which it lies, and puts the cursor there", (problem, marked, focused) => {
    const page = Pages.firstAccountPage({ ...firstAccount, problems: [problem] })
    const names = (attributes: Record<string, string>) =>
      find(page, "input", attributes).map((input) => input.attributes.name)
    expect(names({ "aria-invalid": "true" })).toEqual(marked)
    expect(names({ autofocus: "" })).toEqual([focused])
    expect(find(page, "div", { id: "problem", role: "alert" })).toHaveLength(1)
  })
})

describe("FirstAccountDonePage", () => {
  it("says what to do next only when there is a server to do it with", () => {
    const mcpUrl = "https://auth.example.com/mcp"
    expect(text(Pages.firstAccountDonePage({ ...firstAccountDone, mcpUrl }))).toContain(mcpUrl)
    expect(text(Pages.firstAccountDonePage({ ...firstAccountDone, mcpUrl: undefined }))).not.toContain("MCP")
  })
})

describe("HomePage", () => {
  it("leads to the metadata, and to the login, or the account and the logout", () => {
    const hrefs = (data: Pages.HomePage) => find(Pages.homePage(data), "a").map(({ attributes }) => attributes.href)
    const ready = { ...home, accountsExist: true }
    expect(hrefs(home)).toEqual([home.metadataUrl])
    expect(hrefs(ready)).toEqual([home.accountUrl, home.metadataUrl])
    expect(text(Pages.homePage(ready))).toContain("Log in")
    const visited = { ...ready, username: "ada" }
    expect(hrefs(visited)).toEqual([home.accountUrl, home.logoutUrl, home.metadataUrl])
    expect(hrefs({ ...visited, logoutUrl: undefined })).toEqual([home.accountUrl, home.metadataUrl])
    expect(text(Pages.homePage(visited))).toContain("Logged in as ada Your account Log out")
  })

  it("shows the issuer and what it guards", () => {
    const page = text(Pages.homePage(home))
    expect(page).toContain(`Issuer ${home.issuer}`)
    expect(page).toContain("Notes https://api.example.com/notes")
    expect(text(Pages.homePage({ ...home, resources: [] }))).not.toContain("What it guards")
  })

  it("tells how the first account is made until there is one", () => {
    expect(text(Pages.homePage(home))).toContain("Nobody can log in yet. Open the link that the server printed.")
    expect(text(Pages.homePage({ ...home, firstAccountHint: undefined }))).toContain("can make the first account")
    expect(text(Pages.homePage({ ...home, accountsExist: true }))).not.toContain("Nobody can log in yet")
  })
})
