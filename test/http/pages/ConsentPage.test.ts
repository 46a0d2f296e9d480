import { describe, expect, it } from "vitest"
import { consentPage } from "../../../src/http/pages/index.js"
import { find, text } from "./markup.js"
import { consent } from "./samples.js"

describe("ConsentPage", () => {
  it("shows the app, its site's host, the account, each resource and scope, and how long it lasts", () => {
    const page = text(consentPage(consent))
    expect(page).toContain("App Notes Desktop app.example.com")
    expect(page).toContain("Your account ada Not you? Switch")
    expect(page).toContain("Notes https://api.example.com/notes Read your notes notes:read")
    expect(page).toContain("Files https://api.example.com/files See your files")
    expect(page).toContain("Access lasts at most 180 days.")
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

  it("denies as easily as it allows: the buttons differ by value and word alone", () => {
    const page = consentPage(consent)
    expect(find(page, "button")).toHaveLength(2)
    const markup = (decision: string, word: string) =>
      `<button class="button" type="submit" name="decision" value="${decision}">${word}</button>`
    expect(page).toMatch(
      new RegExp(`<div class="choice">\\s*${markup("deny", "Deny")}\\s*${markup("allow", "Allow")}\\s*</div>`)
    )
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

  it("says of an app that registered itself, and of no other, that nobody verified it", () => {
    const page = (clientOrigin: "Operator" | "Dynamic") => text(consentPage({ ...consent, clientOrigin }))
    expect(page("Dynamic")).toContain("Unverified: this app introduced itself, and nobody has checked its name.")
    expect(page("Operator")).not.toContain("Unverified")
  })

  it("says where either answer leads, and warns where any program could stand", () => {
    const page = (target: typeof consent.target) => text(consentPage({ ...consent, target }))
    const host = page({ _tag: "Host", host: "notes.example.com" })
    expect(host).toContain("will send you to notes.example.com.")
    expect(host).not.toContain("Allow only if")
    const loopback = page({ _tag: "Loopback", host: "127.0.0.1:1234" })
    expect(loopback).toContain("will send you to a program on this device, at 127.0.0.1:1234.")
    expect(loopback).toContain("Allow only if you started that program yourself")
    const app = page({ _tag: "App", scheme: "com.example.app" })
    expect(app).toContain("will send you to the app registered for com.example.app: on this device.")
    expect(app).toContain("Allow only if you came here from that app")
  })

  it("links the app's site under its host alone, and tells it nothing", () => {
    const link = find(consentPage({ ...consent, clientUri: "https://bank.example@evil.example/bank.example" }), "a")[0]
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
