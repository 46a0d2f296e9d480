import { describe, expect, it } from "vitest"
import { errorPage } from "../../../src/http/pages/ErrorPage.js"
import { firstAccountDonePage, firstAccountPage } from "../../../src/http/pages/FirstAccountPage.js"
import { homePage } from "../../../src/http/pages/HomePage.js"
import { logoutPage } from "../../../src/http/pages/LogoutPage.js"
import type * as Pages from "../../../src/http/pages/Pages.js"
import { redirectNoticePage } from "../../../src/http/pages/RedirectNoticePage.js"
import { find, text } from "./markup.js"
import { firstAccount, firstAccountDone, home, notice } from "./samples.js"

describe("RedirectNoticePage", () => {
  it("the redirect notice names the app and the target, and continues by a link without a referrer", () => {
    const page = redirectNoticePage(notice)
    expect(text(page)).toContain("App Notes Desktop Asks to send you to notes.example.com")
    expect(text(page)).toContain("close this page")
    expect(text(page)).toContain("Continue to notes.example.com")
    expect(find(page, "a")).toEqual([
      { name: "a", attributes: { class: "button", href: notice.continueUrl, rel: "noreferrer" } }
    ])
  })
})

describe("ErrorPage", () => {
  it("the error page has the error as its title, and names an incident if there is one", () => {
    const page = errorPage({ title: "It cannot go on", message: "Try again." })
    expect(page).toContain("<title>It cannot go on</title>")
    expect(text(page)).not.toContain("incident")
    expect(text(errorPage({ title: "t", message: "m", incident: "0197" }))).toContain("incident 0197")
  })
})

describe("LogoutPage", () => {
  it("the logout page names the user, and asks", () => {
    const page = logoutPage({ username: "ada", formAction: "/logout", form: "f" })
    expect(text(page)).toContain("Logged in as ada")
    expect(find(page, "form", { method: "post", action: "/logout" })).toHaveLength(1)
    expect(find(page, "button", { type: "submit" })).toHaveLength(1)
  })
})

describe("FirstAccountPage", () => {
  it("password managers recognise the inputs of the first-account page", () => {
    const page = firstAccountPage(firstAccount)
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
    ["PasswordsDiffer", ["password", "password_again"], "password"]
  ] as const)("the problem %s marks its fields, and the first of them has the focus", (problem, marked, focused) => {
    const page = firstAccountPage({ ...firstAccount, problems: [problem] })
    const names = (attributes: Record<string, string>) =>
      find(page, "input", attributes).map((input) => input.attributes.name)
    expect(names({ "aria-invalid": "true" })).toEqual(marked)
    expect(names({ autofocus: "" })).toEqual([focused])
    expect(find(page, "div", { id: "problem", role: "alert" })).toHaveLength(1)
  })
})

describe("FirstAccountDonePage", () => {
  it("the next step is shown only if there is an MCP server", () => {
    const mcpUrl = "https://auth.example.com/mcp"
    expect(text(firstAccountDonePage({ ...firstAccountDone, mcpUrl }))).toContain(mcpUrl)
    expect(text(firstAccountDonePage({ ...firstAccountDone, mcpUrl: undefined }))).not.toContain("MCP")
  })
})

describe("HomePage", () => {
  it("the home page links the metadata, and the login or the account and the logout", () => {
    const hrefs = (data: Pages.HomePage) => find(homePage(data), "a").map(({ attributes }) => attributes.href)
    const ready = { ...home, accountsExist: true }
    expect(hrefs(home)).toEqual([home.metadataUrl])
    expect(hrefs(ready)).toEqual([home.accountUrl, home.metadataUrl])
    expect(text(homePage(ready))).toContain("Log in")
    const visited = { ...ready, username: "ada" }
    expect(hrefs(visited)).toEqual([home.accountUrl, home.logoutUrl, home.metadataUrl])
    expect(hrefs({ ...visited, logoutUrl: undefined })).toEqual([home.accountUrl, home.metadataUrl])
    expect(text(homePage(visited))).toContain("Logged in as ada Your account Log out")
  })

  it("the home page shows the issuer and the resources", () => {
    const page = text(homePage(home))
    expect(page).toContain(`Issuer ${home.issuer}`)
    expect(page).toContain("Notes https://api.example.com/notes")
    expect(text(homePage({ ...home, resources: [] }))).not.toContain("What it guards")
  })

  it("the home page says how the first account is created, until there is one", () => {
    expect(text(homePage(home))).toContain("Open the link that the server printed.")
    expect(text(homePage({ ...home, firstAccountHint: undefined }))).toContain("can create the first account")
    expect(text(homePage({ ...home, accountsExist: true }))).not.toContain("This server has no account yet")
  })
})
