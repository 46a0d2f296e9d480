/** The pages that users see. An app can replace some of them by its own. */
import * as Context from "effect/Context"
import * as Layer from "effect/Layer"
import { type AccountPage, accountPage } from "./AccountPage.js"
import type { Brand } from "./Brand.js"
import { alreadyDecidedPage, type ConsentPage, consentPage } from "./ConsentPage.js"
import { type ErrorPage, errorPage } from "./ErrorPage.js"
import {
  type FirstAccountDonePage,
  type FirstAccountPage,
  firstAccountDonePage,
  firstAccountPage,
  firstAccountVoidPage
} from "./FirstAccountPage.js"
import { type HomePage, homePage } from "./HomePage.js"
import type { Nothing } from "./Layout.js"
import { type LoginPage, loginPage } from "./LoginPage.js"
import { type LogoutPage, loggedOutPage, logoutPage } from "./LogoutPage.js"
import { type RedirectNoticePage, redirectNoticePage } from "./RedirectNoticePage.js"

export type {
  AccountPage,
  Brand,
  ConsentPage,
  ErrorPage,
  FirstAccountDonePage,
  FirstAccountPage,
  HomePage,
  LoginPage,
  LogoutPage,
  Nothing,
  RedirectNoticePage
}

/** The data of each page. */
export interface Data {
  readonly accountPage: AccountPage
  readonly alreadyDecidedPage: Nothing
  readonly consentPage: ConsentPage
  readonly errorPage: ErrorPage
  readonly firstAccountDonePage: FirstAccountDonePage
  readonly firstAccountPage: FirstAccountPage
  readonly firstAccountVoidPage: Nothing
  readonly homePage: HomePage
  readonly loggedOutPage: Nothing
  readonly loginPage: LoginPage
  readonly logoutPage: LogoutPage
  readonly redirectNoticePage: RedirectNoticePage
}

/** Each page is a pure function of its data and the brand. It returns a whole document, and escapes the data. */
export type Documents = { readonly [Name in keyof Data]: (data: Data[Name], brand: Brand) => string }

/** The pages of a server. */
export interface Templates extends Documents {
  /**
   * The text of the one `<style>` that the app's own pages may have. The Content-Security-Policy allows its hash and the
   * hash of the brand's styles. It allows no script, no image except the logo, and nothing from another origin.
   */
  readonly styles?: string | undefined
}

/** Latchkey's own pages. */
export const standard: Templates = {
  accountPage,
  alreadyDecidedPage,
  consentPage,
  errorPage,
  firstAccountDonePage,
  firstAccountPage,
  firstAccountVoidPage,
  homePage,
  loggedOutPage,
  loginPage,
  logoutPage,
  redirectNoticePage
}

/** The pages of the server. The default is `standard`. */
export class Pages extends Context.Reference<Pages>()("latchkey/Pages", { defaultValue: () => standard }) {}

/**
 * Replaces some pages by the app's own. A page with a form must post the fields that `PageForms` names for it, to its
 * `formAction`. A page cannot change its headers.
 *
 * @example
 * import { Layer } from "effect"
 * import * as AuthLayer from "latchkey/AuthLayer"
 * import * as Pages from "latchkey/Pages"
 *
 * const OwnPages = Pages.layer({ loggedOutPage: () => "<!doctype html><p>See you." })
 * const Auth = AuthLayer.layer({ issuer: "https://notes.example.com", resources: [] }).pipe(Layer.provide(OwnPages))
 */
export const layer = (own: Partial<Templates>): Layer.Layer<Pages> => Layer.succeed(Pages, { ...standard, ...own })
