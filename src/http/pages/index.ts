/**
 * The pages that people see: pure functions from data to HTML documents.
 *
 * A page works without script or anything from elsewhere, its only style is its brand's `styles`, and its only image the
 * brand's logo, a `data:` URI: send it as `text/html; charset=utf-8` under a policy of `default-src 'none'`, `style-src`
 * with the hash of that text and, where there is a logo, `img-src data:`.
 *
 * @example
 * import * as Pages from "./pages/index.js"
 *
 * Pages.errorPage({ title: "This request cannot go on", message: "The app's address is not one it registered." })
 */
export { type AccountApp, type AccountPage, type AccountSession, accountPage } from "./AccountPage.js"
export { alreadyDecidedPage } from "./AlreadyDecidedPage.js"
export * as Brand from "./Brand.js"
export { type ConsentPage, type ConsentResource, type ConsentScope, consentPage } from "./ConsentPage.js"
export { type ErrorPage, errorPage } from "./ErrorPage.js"
export { type FirstAccountDonePage, firstAccountDonePage } from "./FirstAccountDonePage.js"
export { type FirstAccountPage, firstAccountPage } from "./FirstAccountPage.js"
export { firstAccountVoidPage } from "./FirstAccountVoidPage.js"
export { type HomePage, homePage } from "./HomePage.js"
export { styles } from "./Layout.js"
export { loggedOutPage } from "./LoggedOutPage.js"
export { type LoginPage, loginPage } from "./LoginPage.js"
export { type LogoutPage, logoutPage } from "./LogoutPage.js"
export { type RedirectNoticePage, redirectNoticePage } from "./RedirectNoticePage.js"
