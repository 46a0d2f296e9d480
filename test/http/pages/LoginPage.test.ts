import { describe, expect, it } from "vitest"
import { loginPage } from "../../../src/http/pages/LoginPage.js"
import { find, text } from "./markup.js"
import { login } from "./samples.js"

describe("LoginPage", () => {
  it("password managers recognise the inputs of the login page", () => {
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

  it("the first empty input of the login page has the focus", () => {
    const focused = (username: string) =>
      find(loginPage({ ...login, username }), "input", { autofocus: "" }).map(({ attributes }) => attributes.name)
    expect(focused("")).toEqual(["username"])
    expect(focused("ada")).toEqual(["password"])
  })

  it("the login page fills in the given username, and never a password", () => {
    const page = loginPage({ ...login, problem: "WrongCredentials" })
    expect(find(page, "input", { name: "username", value: "ada" })).toHaveLength(1)
    expect(find(page, "input", { name: "password" })[0]?.attributes).not.toHaveProperty("value")
  })

  it("the login page labels the waiting app and its target", () => {
    expect(text(loginPage(login))).toContain("App Notes Desktop Takes you to notes.example.com")
    expect(text(loginPage({ ...login, target: { _tag: "Loopback", host: "[::1]:80" } }))).toContain(
      "Takes you to a program on this device, at [::1]:80"
    )
    expect(text(loginPage({ ...login, target: { _tag: "App", scheme: "com.example.app" } }))).toContain(
      "Takes you to the app registered for com.example.app: on this device"
    )
  })

  it("the login page shows no app if none waits", () => {
    const page = text(loginPage({ formAction: "/login", form: "f", username: "" }))
    expect(page).not.toContain("App")
    expect(page).not.toContain("Takes you to")
  })

  it("the login page shows the problem, and marks the fields only for wrong credentials", () => {
    const marked = (problem: NonNullable<typeof login.problem>) =>
      find(loginPage({ ...login, problem }), "input", { "aria-invalid": "true", "aria-describedby": "problem" }).length
    expect(marked("WrongCredentials")).toBe(2)
    expect(marked("FormExpired")).toBe(0)
    expect(marked("Throttled")).toBe(0)
    expect(find(loginPage(login), "div", { role: "alert" })).toHaveLength(0)
    expect(text(loginPage({ ...login, problem: "WrongCredentials" }))).toContain("username and password do not match")
    expect(text(loginPage({ ...login, problem: "FormExpired" }))).toContain("open for too long")
    expect(text(loginPage({ ...login, problem: "Throttled", waitSeconds: 61 }))).toContain("Try again in 2 minutes.")
  })
})
