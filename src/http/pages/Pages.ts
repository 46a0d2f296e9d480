/** All pages that people see, as one seam: an app gives some of its own, and the others stay as they are. */
import * as Context from "effect/Context"
import * as Layer from "effect/Layer"
import { type AccountPage, accountPage } from "./AccountPage.js"
import { alreadyDecidedPage } from "./AlreadyDecidedPage.js"
import type { Brand } from "./Brand.js"
import { type ConsentPage, consentPage } from "./ConsentPage.js"
import { type ErrorPage, errorPage } from "./ErrorPage.js"
import { type FirstAccountDonePage, firstAccountDonePage } from "./FirstAccountDonePage.js"
import { type FirstAccountPage, firstAccountPage } from "./FirstAccountPage.js"
import { firstAccountVoidPage } from "./FirstAccountVoidPage.js"
import { type HomePage, homePage } from "./HomePage.js"
import type { Nothing } from "./Layout.js"
import { loggedOutPage } from "./LoggedOutPage.js"
import { type LoginPage, loginPage } from "./LoginPage.js"
import { type LogoutPage, logoutPage } from "./LogoutPage.js"
import { type RedirectNoticePage, redirectNoticePage } from "./RedirectNoticePage.js"

export type { Brand, Nothing }

/** What each page is made of. */
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

/** For each page a pure function of its data and the brand to a whole document. It escapes what it is given. */
export type Documents = { readonly [Name in keyof Data]: (data: Data[Name], brand: Brand) => string }

/** The pages of a server. */
export interface Templates extends Documents {
  /**
   * The text of the one `<style>` that the app's own pages may have: the policy allows it by its hash, beside that of
   * the brand, and no script, no image but the logo, nothing from elsewhere.
   */
  readonly styles?: string | undefined
}

/** Our own pages. */
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

/** The pages of the server. By default they are our own. */
export class Pages extends Context.Reference<Pages>()("latchkey/Pages", { defaultValue: () => standard }) {}

/**
 * Pages of the app's own; those that are not given are ours. A page with a form has to post the fields that `PageForms` names
 * for it, to its `formAction`. The headers of a page are not the page's to change.
 *
 * @example
 * AuthLayer.layer(options).pipe(Layer.provide(Pages.layer({ loggedOutPage: () => "<!doctype html><p>See you." })))
 */
export const layer = (own: Partial<Templates>): Layer.Layer<Pages> => Layer.succeed(Pages, { ...standard, ...own })
