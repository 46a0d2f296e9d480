import { describe, expect, it } from "vitest"
import { consentPage } from "../../../src/http/pages/index.js"
import { find, text } from "./markup.js"
import { consent } from "./samples.js"

describe("ConsentPage", () => {
  it("shows who wants what, the account, each permission, the app's site, and how long it lasts", () => {
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
  ])("says in its heading that the app wants to access %j", (names, listed) => {
    const resources = names.map((name) => ({ name, uri: `https://${name}.example`, scopes: [] }))
    const page = consentPage({ ...consent, resources })
    expect(find(page, "h1")).toHaveLength(1)
    expect(text(/<h1.*<\/h1>/s.exec(page)?.[0] ?? "")).toBe(`Notes Desktop wants to access ${listed}`)
  })

  it("names each permission once, and keeps its token and the address of the resource behind a fold", () => {
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

  it("folds nothing away where the address and the tokens are the only names", () => {
    const uri = "https://api.example.com/notes"
    const scopes = [{ token: "notes:read", description: "notes:read", checked: true, isNew: true }]
    const page = consentPage({ ...consent, resources: [{ name: uri, uri, scopes }] })
    expect(find(page, "details")).toHaveLength(0)
    expect(text(page).split("notes:read")).toHaveLength(2)
  })

  it("has a checkbox for each scope, ticked only where it was asked to be", () => {
    const boxes = find(consentPage(consent), "input", { type: "checkbox", name: "scope" })
    expect(boxes.map(({ attributes }) => [attributes.value, "checked" in attributes])).toEqual([
      ["notes:read", true],
      ["notes:write", false],
      ["files:list", true]
    ])
  })

  it("groups the scopes by resource", () => {
    const page = consentPage(consent)
    expect(find(page, "fieldset")).toHaveLength(2)
    expect(find(page, "legend")).toHaveLength(2)
  })

  it("denies as easily as it allows: two buttons of one kind, of which Allow is the primary one", () => {
    const page = consentPage(consent)
    expect(find(page, "button").map(({ attributes }) => attributes)).toEqual([
      { class: "button secondary", type: "submit", name: "decision", value: "deny" },
      { class: "button allow", type: "submit", name: "decision", value: "allow" }
    ])
  })

  it("says at the permissions that nothing is ticked, where Allow was sent so", () => {
    const page = consentPage({ ...consent, problem: "NothingTicked" })
    expect(text(page)).toContain("Nothing is ticked. Tick at least one permission to allow access, or choose Deny.")
    expect(find(page, "fieldset", { "aria-describedby": "problem" })).toHaveLength(2)
    expect(find(page, "p", { role: "status" })).toHaveLength(0)
    expect(find(consentPage(consent), "p", { role: "status" })).toHaveLength(1)
    expect(
      find(consentPage({ ...consent, problem: "FormExpired" }), "fieldset", { "aria-describedby": "problem" })
    ).toEqual([])
  })

  it("does not allow by the Enter key: the form's first button denies", () => {
    expect(find(consentPage(consent), "button")[0]?.attributes.value).toBe("deny")
  })

  it("marks what is new, unless everything is", () => {
    const marks = (isNew: ReadonlyArray<boolean>) => {
      const scopes = isNew.map((it, index) => ({ token: `t${index}`, description: "d", checked: true, isNew: it }))
      const page = consentPage({ ...consent, resources: [{ name: "N", uri: "https://n.example", scopes }] })
      return find(page, "span", { class: "new" }).length
    }
    expect(marks([false, true, true])).toBe(2)
    expect(marks([true, true])).toBe(0)
    expect(marks([false, false])).toBe(0)
  })

  it("says once of an app that registered itself, and of no other, that nobody verified it", () => {
    const page = (clientOrigin: "Operator" | "Dynamic") => text(consentPage({ ...consent, clientOrigin }))
    expect(page("Dynamic")).toContain("Unverified: this app introduced itself, and nobody has checked its name.")
    expect(page("Dynamic").match(/unverified/gi)).toHaveLength(1)
    expect(page("Operator")).not.toContain("Unverified")
  })

  it("says where either answer leads, and warns where any program could stand", () => {
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

  it("links the app's site under its host alone, and tells it nothing", () => {
    const link = find(consentPage({ ...consent, clientUri: "https://bank.example@evil.example/bank.example" }), "a")[1]
    expect(link?.attributes).toMatchObject({ target: "_blank", rel: "noopener noreferrer" })
    const page = text(consentPage({ ...consent, clientUri: "https://bank.example@evil.example/bank.example" }))
    expect(page).toContain("evil.example")
    expect(page).not.toContain("bank.example")
  })

  it.each(["http://app.example.com", "javascript:alert(1)", "data:text/html,x", "//app.example.com", "app", ""])(
    "leaves out a site that is no https URL: %j",
    (clientUri) => {
      expect(find(consentPage({ ...consent, clientUri }), "a")).toHaveLength(1)
      expect(find(consentPage({ ...consent, clientUri }), "a", { href: consent.switchUrl })).toHaveLength(1)
    }
  )

  it("names a resource once when its address is its name", () => {
    const uri = "https://api.example.com/notes"
    const page = text(consentPage({ ...consent, resources: [{ name: uri, uri, scopes: [] }] }))
    expect(page.split(uri)).toHaveLength(2)
  })

  it("says so when nothing in particular is asked of a resource", () => {
    const page = consentPage({ ...consent, resources: [{ name: "N", uri: "https://n.example", scopes: [] }] })
    expect(text(page)).toContain("asks for nothing in particular here")
  })
})
