/** Each page with every field filled, and the ways in which its markup varies. */
import * as Pages from "../../../src/http/pages/index.js"

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
        { token: "notes:read", description: "Read your notes", checked: true, isNew: false },
        { token: "notes:write", description: "Write your notes", checked: false, isNew: true }
      ]
    },
    {
      name: "Files",
      uri: "https://api.example.com/files",
      scopes: [{ token: "files:list", description: "See your files", checked: true, isNew: true }]
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
  readonly render: (data: never, brand?: Pages.Brand.Brand) => string
}

const sample = <A>(title: string, render: (data: A, brand?: Pages.Brand.Brand) => string, data: A): Sample => ({
  title,
  data,
  render
})

export const samples: ReadonlyArray<Sample> = [
  sample("login", Pages.loginPage, login),
  sample("login, to a program", Pages.loginPage, { ...login, target: { _tag: "Loopback", host: "127.0.0.1:1234" } }),
  sample("login, for an app that registered itself", Pages.loginPage, { ...login, clientOrigin: "Dynamic" }),
  sample("login, no app in view", Pages.loginPage, { ...form, username: "ada" }),
  ...(
    ["WrongCredentials", "FormExpired", "FormForeign", "CookiesMissing", "LoggedOut", "Throttled", "Busy"] as const
  ).map((problem) => sample(`login, ${problem}`, Pages.loginPage, { ...login, problem })),
  sample("consent", Pages.consentPage, consent),
  sample("consent, self-registered program", Pages.consentPage, {
    ...consent,
    clientOrigin: "Dynamic",
    target: { _tag: "Loopback", host: "127.0.0.1:1234" }
  }),
  sample("consent, app", Pages.consentPage, { ...consent, target: { _tag: "App", scheme: "com.example.app" } }),
  sample("consent, whose form expired", Pages.consentPage, { ...consent, problem: "FormExpired" }),
  sample("consent, nothing ticked", Pages.consentPage, { ...consent, problem: "NothingTicked" }),
  sample("consent, no scope", Pages.consentPage, {
    ...consent,
    resources: [{ name: "N", uri: "https://n", scopes: [] }]
  }),
  sample("redirect notice", Pages.redirectNoticePage, notice),
  sample("redirect notice, for an app that registered itself", Pages.redirectNoticePage, {
    ...notice,
    clientOrigin: "Dynamic"
  }),
  sample("error", Pages.errorPage, {
    title: "It cannot go on",
    message: "Try again.",
    incident: "0197f2c4",
    wayOn: { url: "/account", label: "Go to your account" }
  }),
  sample("already decided", Pages.alreadyDecidedPage, {}),
  sample("logout", Pages.logoutPage, { ...form, username: "ada" }),
  sample("logged out", Pages.loggedOutPage, {}),
  sample("first account", Pages.firstAccountPage, firstAccount),
  ...(["NameInvalid", "PasswordInvalid", "PasswordWellKnown", "PasswordsDiffer", "Busy"] as const).map((problem) =>
    sample(`first account, ${problem}`, Pages.firstAccountPage, { ...firstAccount, problems: [problem] })
  ),
  sample("first account done", Pages.firstAccountDonePage, firstAccountDone),
  sample("first account done, without a login", Pages.firstAccountDonePage, { ...firstAccountDone, isLoggedIn: false }),
  sample("first account void", Pages.firstAccountVoidPage, {}),
  sample("account", Pages.accountPage, account),
  sample("account, nothing allowed", Pages.accountPage, { ...account, apps: [] }),
  ...(["AccessRemoved", "SessionEnded", "PasswordChanged"] as const).map((notice) =>
    sample(`account, ${notice}`, Pages.accountPage, { ...account, notice })
  ),
  ...(["WrongPassword", "PasswordInvalid", "PasswordWellKnown", "PasswordsDiffer", "Busy", "Throttled"] as const).map(
    (problem) =>
      sample(`account, ${problem}`, Pages.accountPage, { ...account, password: { ...form, problems: [problem] } })
  ),
  sample("account of an app's person", Pages.accountPage, externalAccount),
  sample("home", Pages.homePage, home),
  sample("home, for somebody who may log in", Pages.homePage, { ...home, accountsExist: true }),
  sample("home, for somebody who is logged in", Pages.homePage, { ...home, accountsExist: true, username: "ada" })
]
