/** A sample of each page with every field filled, and of each variant of its markup. */
import { accountPage } from "../../../src/http/pages/AccountPage.js"
import { alreadyDecidedPage, consentPage } from "../../../src/http/pages/ConsentPage.js"
import { errorPage } from "../../../src/http/pages/ErrorPage.js"
import {
  firstAccountDonePage,
  firstAccountPage,
  firstAccountVoidPage
} from "../../../src/http/pages/FirstAccountPage.js"
import { homePage } from "../../../src/http/pages/HomePage.js"
import { loginPage } from "../../../src/http/pages/LoginPage.js"
import { loggedOutPage, logoutPage } from "../../../src/http/pages/LogoutPage.js"
import type * as Pages from "../../../src/http/pages/Pages.js"
import { redirectNoticePage } from "../../../src/http/pages/RedirectNoticePage.js"

export const form = { formAction: "/login?request=r", form: "sealed-form" }

export const login: Pages.LoginPage = {
  ...form,
  clientName: "Notes Desktop",
  clientOrigin: "Operator",
  target: { _tag: "Host", host: "notes.example.com" },
  username: "ada"
}

export const consent: Pages.ConsentPage = {
  ...form,
  clientName: "Notes Desktop",
  clientOrigin: "Operator",
  clientUri: "https://app.example.com/about",
  target: { _tag: "Host", host: "notes.example.com" },
  username: "ada",
  switchUrl: "/login?switch=1",
  resources: [
    {
      name: "Notes",
      uri: "https://api.example.com/notes",
      scopes: [
        { token: "notes:read", value: "notes:read", description: "Read your notes", checked: true, isNew: false },
        { token: "notes:write", value: "notes:write", description: "Write your notes", checked: false, isNew: true }
      ]
    },
    {
      name: "Files",
      uri: "https://api.example.com/files",
      scopes: [{ token: "files:list", value: "files:list", description: "See your files", checked: true, isNew: true }]
    }
  ],
  lasts: "Access lasts at most 180 days."
}

export const notice: Pages.RedirectNoticePage = {
  clientName: "Notes Desktop",
  clientOrigin: "Operator",
  target: { _tag: "Host", host: "notes.example.com" },
  what: "This app made a request that cannot be answered.",
  continueUrl: "https://notes.example.com/callback?error=invalid_scope"
}

export const firstAccount: Pages.FirstAccountPage = { ...form, username: "ada" }

export const account: Pages.AccountPage = {
  username: "ada",
  logoutUrl: "/logout",
  apps: [
    {
      ...form,
      clientName: "Notes Desktop",
      clientOrigin: "Operator",
      since: "1 June 2026",
      lastUsed: "7 June 2026",
      targets: [
        { _tag: "Host", host: "notes.example.com" },
        { _tag: "Loopback", host: "127.0.0.1:1234" },
        { _tag: "App", scheme: "com.example.app" }
      ],
      resources: [
        {
          name: "Notes",
          uri: "https://api.example.com/notes",
          scopes: [
            { token: "notes:read", description: "Read your notes" },
            { token: "notes:write", description: "Write your notes" }
          ]
        },
        { name: "Files", uri: "https://api.example.com/files", scopes: [] }
      ]
    },
    { ...form, clientName: "Inspector", clientOrigin: "Dynamic", since: "3 May 2026", targets: [], resources: [] }
  ],
  sessions: [
    { ...form, since: "4 June 2026", browser: "Edge on macOS", network: "192.0.2.7", isThis: true },
    { ...form, since: "2 April 2026", isThis: false }
  ],
  password: form
}

/** Of a person whom the app logs in. */
/** An account with two installations of an app that has a metadata document. */
export const described: Pages.AccountPage = {
  ...account,
  apps: [
    {
      ...form,
      clientName: "Claude",
      clientOrigin: "Document",
      clientHost: "claude.ai",
      clientApproved: true,
      since: "3 May 2026",
      targets: [{ _tag: "Host", host: "claude.ai" }],
      resources: [],
      installations: [
        {
          ...form,
          since: "1 June 2026",
          lastUsed: "2 June 2026",
          browser: "Edge on macOS",
          network: "192.0.2.7",
          target: { _tag: "Host", host: "claude.ai" }
        },
        { ...form, formerName: "Claude Code", since: "3 May 2026", target: { _tag: "Loopback", host: "localhost" } }
      ]
    }
  ]
}

export const externalAccount: Pages.AccountPage = {
  ...account,
  logoutUrl: undefined,
  sessions: [],
  password: undefined
}

export const firstAccountDone: Pages.FirstAccountDonePage = {
  username: "ada",
  mcpUrl: "https://auth.example.com/mcp",
  accountUrl: "/account",
  isLoggedIn: true
}

export const home: Pages.HomePage = {
  issuer: "https://auth.example.com",
  accountsExist: false,
  firstAccountHint: "Open the link that the server printed.",
  resources: [{ name: "Notes", uri: "https://api.example.com/notes" }],
  metadataUrl: "https://auth.example.com/.well-known/oauth-authorization-server",
  accountUrl: "/account",
  logoutUrl: "/logout"
}

/** A page and its data; `render` takes data of the same shape. */
export interface Sample {
  readonly title: string
  readonly data: unknown
  readonly render: (data: never, brand?: Pages.Brand) => string
}

const sample = <A>(title: string, render: (data: A, brand?: Pages.Brand) => string, data: A): Sample => ({
  title,
  data,
  render
})

export const samples: ReadonlyArray<Sample> = [
  sample("login", loginPage, login),
  sample("login, to a program", loginPage, { ...login, target: { _tag: "Loopback", host: "127.0.0.1:1234" } }),
  sample("login, for an app that registered itself", loginPage, { ...login, clientOrigin: "Dynamic" }),
  sample("login, without an app", loginPage, { ...form, username: "ada" }),
  ...(["WrongCredentials", "FormExpired", "FormForeign", "CookiesMissing", "LoggedOut", "Throttled"] as const).map(
    (problem) => sample(`login, ${problem}`, loginPage, { ...login, problem })
  ),
  sample("consent", consentPage, consent),
  sample("consent, self-registered program", consentPage, {
    ...consent,
    clientOrigin: "Dynamic",
    target: { _tag: "Loopback", host: "127.0.0.1:1234" }
  }),
  sample("consent, app with a metadata document", consentPage, {
    ...consent,
    clientOrigin: "Document",
    clientHost: "claude.ai"
  }),
  sample("consent, app that the operator approved", consentPage, {
    ...consent,
    clientOrigin: "Dynamic",
    clientApproved: true
  }),
  sample("consent, app", consentPage, { ...consent, target: { _tag: "App", scheme: "com.example.app" } }),
  sample("consent, whose form expired", consentPage, { ...consent, problem: "FormExpired" }),
  sample("consent, nothing ticked", consentPage, { ...consent, problem: "NothingTicked" }),
  sample("consent, no scope", consentPage, {
    ...consent,
    resources: [{ name: "N", uri: "https://n", scopes: [] }]
  }),
  sample("redirect notice", redirectNoticePage, notice),
  sample("redirect notice, for an app that registered itself", redirectNoticePage, {
    ...notice,
    clientOrigin: "Dynamic"
  }),
  sample("error", errorPage, {
    title: "It cannot go on",
    message: "Try again.",
    incident: "0197f2c4",
    wayOn: { url: "/account", label: "Go to your account" }
  }),
  sample("already decided", alreadyDecidedPage, {}),
  sample("logout", logoutPage, { ...form, username: "ada" }),
  sample("logged out", loggedOutPage, {}),
  sample("first account", firstAccountPage, firstAccount),
  ...(["NameInvalid", "PasswordInvalid", "PasswordWellKnown", "PasswordsDiffer"] as const).map((problem) =>
    sample(`first account, ${problem}`, firstAccountPage, { ...firstAccount, problems: [problem] })
  ),
  sample("first account done", firstAccountDonePage, firstAccountDone),
  sample("first account done, without a login", firstAccountDonePage, { ...firstAccountDone, isLoggedIn: false }),
  sample("first account void", firstAccountVoidPage, {}),
  sample("account", accountPage, account),
  sample("account, with installations of an app", accountPage, described),
  sample("account, nothing allowed", accountPage, { ...account, apps: [] }),
  ...(["AccessRemoved", "SessionEnded", "PasswordChanged"] as const).map((notice) =>
    sample(`account, ${notice}`, accountPage, { ...account, notice })
  ),
  ...(["WrongPassword", "PasswordInvalid", "PasswordWellKnown", "PasswordsDiffer", "Throttled"] as const).map(
    (problem) => sample(`account, ${problem}`, accountPage, { ...account, password: { ...form, problems: [problem] } })
  ),
  sample("account of an app's user", accountPage, externalAccount),
  sample("home", homePage, home),
  sample("home, logged out", homePage, { ...home, accountsExist: true }),
  sample("home, logged in", homePage, { ...home, accountsExist: true, username: "ada" })
]
