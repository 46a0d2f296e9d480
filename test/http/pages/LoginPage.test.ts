import { describe, expect, it } from "vitest"
import { loginPage } from "../../../src/http/pages/index.js"
import { find, text } from "./markup.js"
import { login } from "./samples.js"

describe("LoginPage", () => {
  it("names its inputs as password managers know them", () => {
    const page = loginPage(login)
    expect(find(page, "input", { name: "username" })[0]?.attributes).toMatchObject({
      type: "text",
      autocomplete: "username",
      autocapitalize: "none",
      spellcheck: "false",
      required: ""
    })
    expect(find(page, "input", { name: "password" })[0]?.attributes).toMatchObject({
      type: "password",
      autocomplete: "current-password",
      required: ""
    })
    expect(find(page, "button")).toEqual([{ name: "button", attributes: { class: "button", type: "submit" } }])
  })

  it("puts the cursor where the next word goes", () => {
    const focused = (username: string) =>
      find(loginPage({ ...login, username }), "input", { autofocus: "" }).map(({ attributes }) => attributes.name)
    expect(focused("")).toEqual(["username"])
    expect(focused("ada")).toEqual(["password"])
  })

  it("fills in the name that it is given, and never a password", () => {
    const page = loginPage({ ...login, problem: "WrongCredentials" })
    expect(find(page, "input", { name: "username", value: "ada" })).toHaveLength(1)
    expect(find(page, "input", { name: "password" })[0]?.attributes).not.toHaveProperty("value")
  })

  it("says which app waits and where it leads, each under its label", () => {
    expect(text(loginPage(login))).toContain("App Notes Desktop Takes you to notes.example.com")
    expect(text(loginPage({ ...login, target: { _tag: "Loopback", host: "[::1]:80" } }))).toContain(
      "Takes you to a program on this device, at [::1]:80"
    )
    expect(text(loginPage({ ...login, target: { _tag: "App", scheme: "com.example.app" } }))).toContain(
      "Takes you to the app registered for com.example.app: on this device"
    )
  })

  it("speaks of no app when none waits", () => {
    const page = text(loginPage({ formAction: "/login", form: "f", username: "" }))
    expect(page).not.toContain("App")
    expect(page).not.toContain("Takes you to")
  })

  it("says what the problem is, and marks the fields only when it lies in them", () => {
    const marked = (problem: NonNullable<typeof login.problem>) =>
      find(loginPage({ ...login, problem }), "input", { "aria-invalid": "true", "aria-describedby": "problem" }).length
    expect(marked("WrongCredentials")).toBe(2)
    expect(marked("FormExpired")).toBe(0)
    expect(marked("Throttled")).toBe(0)
    expect(marked("Busy")).toBe(0)
    expect(find(loginPage(login), "div", { role: "alert" })).toHaveLength(0)
    expect(text(loginPage({ ...login, problem: "WrongCredentials" }))).toContain("username and password do not match")
    expect(text(loginPage({ ...login, problem: "FormExpired" }))).toContain("open for too long")
    expect(text(loginPage({ ...login, problem: "Throttled", waitSeconds: 61 }))).toContain("Try again in 2 minutes.")
    expect(text(loginPage({ ...login, problem: "Busy" }))).toContain("The server is busy. Try again in 1 second.")
  })
})
