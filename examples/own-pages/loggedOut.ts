/** One page of the app, and the built-in ones. */
import { Pages } from "latchkey"
import { html } from "latchkey/Html"

export const OwnPages = Pages.layer({
  loggedOutPage: (_, brand) =>
    html`<!doctype html>
<html lang="en">
<title>${brand.titleOf("Goodbye")}</title>
${brand.header}
<h1>See you soon</h1>
</html>`.text
})
