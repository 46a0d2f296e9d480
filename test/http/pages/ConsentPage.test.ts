import { describe, expect, it } from "vitest"
import { consentPage } from "../../../src/http/pages/ConsentPage.js"
import { find, text } from "./markup.js"
import { consent } from "./samples.js"

describe("ConsentPage", () => {
  it("the consent page shows the app, the account, each permission, the app's site, and the duration", () => {
    const page = text(consentPage(consent))
    expect(page).toContain("Notes Desktop wants to access Notes and Files")
    expect(page).toContain("Your account ada Not you? Switch")
    expect(page).toContain("Notes Read your notes Write your notes New")
    expect(page).toContain("Files See your files New")
    expect(page).toContain("Web site of the app: app.example.com")
    expect(page).toContain("Access lasts at most 180 days.")
  })

  it.each([
    [["A"], "A"],
    [["A", "B"], "A and B"],
    [["A", "B", "C"], "A, B and C"],
    [["A", "B", "C", "D"], "A, B, C and 1 other"],
    [["A", "B", "C", "D", "E"], "A, B, C and 2 others"]
  ])("the heading lists the resources %j", (names, listed) => {
    const resources = names.map((name) => ({ name, uri: `https://${name}.example`, scopes: [] }))
    const page = consentPage({ ...consent, resources })
    expect(find(page, "h1")).toHaveLength(1)
    expect(text(/<h1.*<\/h1>/s.exec(page)?.[0] ?? "")).toBe(`Notes Desktop wants to access ${listed}`)
  })

  it("each permission is named once; its token and the resource's address are in the folded details", () => {
    const page = consentPage(consent)
    const folds = Array.from(page.matchAll(/<details>.*?<\/details>/gs), ([fold]) => text(fold))
    expect(folds).toEqual([
      "Details Address https://api.example.com/notes Read your notes notes:read Write your notes notes:write",
      "Details Address https://api.example.com/files See your files files:list"
    ])
    const unfolded = text(page.replace(/<details>.*?<\/details>/gs, ""))
    for (const once of ["Read your notes", "Write your notes", "See your files"])
      expect(unfolded.split(once)).toHaveLength(2)
    for (const folded of ["https://api.example.com", "notes:read", "files:list"]) expect(unfolded).not.toContain(folded)
  })

  it("there are no details if the address and the tokens are the only names", () => {
    const uri = "https://api.example.com/notes"
    const scopes = [{ token: "notes:read", value: "notes:read", description: "notes:read", checked: true, isNew: true }]
    const page = consentPage({ ...consent, resources: [{ name: uri, uri, scopes }] })
    expect(find(page, "details")).toHaveLength(0)
    expect(text(page).split("notes:read")).toHaveLength(2)
  })

  it("each scope has a checkbox, which is ticked if the data says so", () => {
    const boxes = find(consentPage(consent), "input", { type: "checkbox", name: "scope" })
    expect(boxes.map(({ attributes }) => [attributes.value, "checked" in attributes])).toEqual([
      ["notes:read", true],
      ["notes:write", false],
      ["files:list", true]
    ])
  })

  it("the scopes are grouped by resource", () => {
    const page = consentPage(consent)
    expect(find(page, "fieldset")).toHaveLength(2)
    expect(find(page, "legend")).toHaveLength(2)
  })

  it("Deny and Allow are two buttons of one kind, and Allow is the primary one", () => {
    const page = consentPage(consent)
    expect(find(page, "button").map(({ attributes }) => attributes)).toEqual([
      { class: "button secondary", type: "submit", name: "decision", value: "deny" },
      { class: "button allow", type: "submit", name: "decision", value: "allow" }
    ])
  })

  it("the problem NothingTicked is shown, and described at the permissions", () => {
    const page = consentPage({ ...consent, problem: "NothingTicked" })
    expect(text(page)).toContain("Nothing is ticked. Tick at least one permission to allow access, or choose Deny.")
    expect(find(page, "fieldset", { "aria-describedby": "problem" })).toHaveLength(2)
    expect(find(page, "p", { role: "status" })).toHaveLength(0)
    expect(find(consentPage(consent), "p", { role: "status" })).toHaveLength(1)
    expect(
      find(consentPage({ ...consent, problem: "FormExpired" }), "fieldset", { "aria-describedby": "problem" })
    ).toEqual([])
  })

  it("the Enter key does not allow: the form's first button denies", () => {
    expect(find(consentPage(consent), "button")[0]?.attributes.value).toBe("deny")
  })

  it("new scopes are marked, unless all scopes are new", () => {
    const marks = (isNew: ReadonlyArray<boolean>) => {
      const scopes = isNew.map((it, index) => ({
        token: `t${index}`,
        value: `t${index}`,
        description: "d",
        checked: true,
        isNew: it
      }))
      const page = consentPage({ ...consent, resources: [{ name: "N", uri: "https://n.example", scopes }] })
      return find(page, "span", { class: "new" }).length
    }
    expect(marks([false, true, true])).toBe(2)
    expect(marks([true, true])).toBe(0)
    expect(marks([false, false])).toBe(0)
  })

  it("only an app that registered itself is marked as unverified, once", () => {
    const page = (clientOrigin: "Operator" | "Dynamic") => text(consentPage({ ...consent, clientOrigin }))
    expect(page("Dynamic")).toContain("Unverified: this app registered itself, and its name was not checked.")
    expect(page("Dynamic").match(/unverified/gi)).toHaveLength(1)
    expect(page("Operator")).not.toContain("Unverified")
  })

  it("the target of either answer is shown, with a warning for a target that any program can take", () => {
    const page = (target: typeof consent.target) => text(consentPage({ ...consent, target }))
    const host = page({ _tag: "Host", host: "notes.example.com" })
    expect(host).toContain("will send you to notes.example.com ")
    expect(host).not.toContain("Allow only if")
    expect(find(consentPage(consent), "div", { class: "notice warn" })).toEqual([])
    const loopback = page({ _tag: "Loopback", host: "127.0.0.1:1234" })
    expect(loopback).toContain("will send you to a program on this device, at 127.0.0.1:1234 ")
    expect(loopback).toContain("Allow only if you started that program yourself")
    const app = page({ _tag: "App", scheme: "com.example.app" })
    expect(app).toContain("will send you to the app registered for com.example.app: on this device ")
    expect(app).toContain("Allow only if you came here from that app")
  })

  it("the app's site is linked under its host alone, without a referrer", () => {
    const link = find(consentPage({ ...consent, clientUri: "https://bank.example@evil.example/bank.example" }), "a")[1]
    expect(link?.attributes).toMatchObject({ target: "_blank", rel: "noopener noreferrer" })
    const page = text(consentPage({ ...consent, clientUri: "https://bank.example@evil.example/bank.example" }))
    expect(page).toContain("evil.example")
    expect(page).not.toContain("bank.example")
  })

  it.each(["http://app.example.com", "javascript:alert(1)", "data:text/html,x", "//app.example.com", "app", ""])(
    "a site that is no https URL is left out: %j",
    (clientUri) => {
      expect(find(consentPage({ ...consent, clientUri }), "a")).toHaveLength(1)
      expect(find(consentPage({ ...consent, clientUri }), "a", { href: consent.switchUrl })).toHaveLength(1)
    }
  )

  it("a resource whose address is its name is named once", () => {
    const uri = "https://api.example.com/notes"
    const page = text(consentPage({ ...consent, resources: [{ name: uri, uri, scopes: [] }] }))
    expect(page.split(uri)).toHaveLength(2)
  })

  it("a resource without requested scopes says so", () => {
    const page = consentPage({ ...consent, resources: [{ name: "N", uri: "https://n.example", scopes: [] }] })
    expect(text(page)).toContain("asks for nothing in particular here")
  })
})
