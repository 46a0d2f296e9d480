/**
 * The catalogue of attacks as tests. `scripts/security.mjs` reads the calls of `check`, `otherwise`, `absent` and
 * `control` in `test/security/*.test.ts` and writes `docs/security.md`, so their first arguments are literal texts.
 */
import { afterAll, beforeAll, expect, it } from "vitest"
import { type Options, start, type Target } from "./Target.js"

/** A check: throws when the target does not hold. */
export type Rule = (target: Target) => Promise<unknown>

const against = async (target: Target, rule: Rule) => {
  try {
    await rule(target)
  } finally {
    await target.closeOthers()
  }
}

/** The checks of one family, against one server with these options. Call it at the top of a file. */
export const family = (options: Options = {}) => {
  const rules = new Map<string, Rule>()
  let target: Target | undefined
  beforeAll(async () => {
    target = await start(options)
  })
  afterAll(() => target?.close())

  const add = (id: string, title: string, rule: Rule) => {
    rules.set(id, rule)
    it(title, async () => {
      if (target === undefined) throw new Error("the server did not start")
      await against(target, rule)
    })
  }

  return {
    /** A check with the answer that the catalogue expects. */
    check: (id: string, title: string, rule: Rule) => add(id, `${id} ${title}`, rule),

    /** A check with another answer than the catalogue expects: `decision` names the ADR, and `title` is the rule. */
    otherwise: (id: string, decision: string, title: string, rule: Rule) =>
      add(id, `${id} ${title} (${decision})`, rule),

    /**
     * A check, or a whole family, about something that does not exist: the rule asserts that it is absent. A family covers
     * its checks without a test.
     */
    absent: (id: string, title: string, rule: Rule) => add(id, `${id} is absent: ${title}`, rule),

    /** The check `id` must fail against a server whose protection is switched off by these options. */
    control: (id: string, title: string, weakened: Options) => {
      const rule = rules.get(id)
      if (rule === undefined) throw new Error(`no check ${id} stands above its control`)
      it(`control: ${id} fails ${title}`, async () => {
        const weak = await start({
          ...options,
          ...weakened,
          settings: { ...options.settings, ...weakened.settings }
        })
        try {
          const failure = await against(weak, rule).then(
            () => "the check passed",
            (error: unknown) => error
          )
          // Any other error means that the control is broken, and not that the check failed.
          expect(failure).toMatchObject({ name: "AssertionError" })
        } finally {
          await weak.close()
        }
      })
    }
  }
}
