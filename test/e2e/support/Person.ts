/** What a person does in the browser: logs in, ticks, allows. Scripts are off, as the pages promise not to need them. */
import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core"

export const username = "ada"
export const password = "correct horse battery"

/** A person at a browser of their own. */
export class Person {
  private constructor(
    readonly context: BrowserContext,
    readonly page: Page
  ) {}

  static readonly at = async (browser: Browser, options: BrowserContextOptions = {}): Promise<Person> => {
    const context = await browser.newContext({ javaScriptEnabled: false, ...options })
    return new Person(context, await context.newPage())
  }

  readonly logIn = async (): Promise<void> => {
    await this.page.fill("input[name=username]", username)
    await this.page.fill("input[name=password]", password)
    await this.page.click("button[type=submit]")
    await this.page.waitForSelector("button[name=decision]")
  }

  /** Goes where a client sends its user, logs in if asked to, and decides. */
  readonly authorize = async (
    url: URL | string,
    options: { readonly decision?: "allow" | "deny"; readonly ticked?: ReadonlyArray<string> } = {}
  ): Promise<void> => {
    await this.page.goto(String(url))
    if ((await this.page.locator("input[name=password]").count()) > 0) await this.logIn()
    if (options.ticked !== undefined) {
      for (const box of await this.page.locator("input[name=scope]").all()) {
        await box.setChecked(options.ticked.includes((await box.getAttribute("value")) ?? ""))
      }
    }
    await this.page.click(`button[name=decision][value=${options.decision ?? "allow"}]`)
    await this.page.waitForURL(/\/callback/)
  }

  readonly leave = (): Promise<void> => this.context.close()
}
