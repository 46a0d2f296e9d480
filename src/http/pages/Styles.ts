/**
 * The style sheet of every page. A page has exactly this text in its one `<style>`: a Content-Security-Policy with its hash
 * allows no other.
 */
export const styles = `
:root {
  color-scheme: light dark;
  --page: #efece4;
  --card: #ffffff;
  --panel: #f7f5f0;
  --ink: #1b2420;
  --soft: #55605a;
  --line: #dedad0;
  --edge: #7d867f;
  --door: #1f4d40;
  --door-over: #163a30;
  --on-door: #ffffff;
  --link: #1f5f4d;
  --ring: #9a6700;
  --warn: #fcf4e1;
  --warn-line: #e2c47f;
  --warn-ink: #5c4408;
  --good: #e9f4ef;
  --good-line: #a6cdbc;
  --good-ink: #17493a;
  --bad: #fdeeec;
  --bad-line: #e5a9a2;
  --bad-ink: #8a1f17;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0e1311;
    --card: #171e1b;
    --panel: #1e2723;
    --ink: #e9ece8;
    --soft: #a5b0aa;
    --line: #323d38;
    --edge: #78857e;
    --door: #8fd0b8;
    --door-over: #b0e2cf;
    --on-door: #0b221a;
    --link: #9ad8c1;
    --ring: #f0c56c;
    --warn: #2a2415;
    --warn-line: #665527;
    --warn-ink: #f1dba6;
    --good: #16291f;
    --good-line: #35604e;
    --good-ink: #b0e2cf;
    --bad: #341c1a;
    --bad-line: #7a3c36;
    --bad-ink: #ffb9b1;
  }
}
*, *::before, *::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0;
  min-height: 100vh;
  min-height: 100dvh;
  background: var(--card);
  color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  overflow-wrap: anywhere;
}
main { padding: 1.25rem 1.25rem 2rem; }
main > :last-child { margin-bottom: 0; }
h1 { margin: 0 0 1rem; font-size: 1.625rem; line-height: 1.25; font-weight: 650; letter-spacing: -0.015em; text-wrap: balance; }
h2 { margin: 1.75rem 0 0.75rem; font-size: 1.125rem; line-height: 1.35; font-weight: 650; }
h3 { margin: 0; font-size: 1.1875rem; line-height: 1.35; font-weight: 650; }
h4 { margin: 0 0 0.25rem; font-size: 1rem; line-height: 1.5; font-weight: 400; }
p { margin: 0 0 1rem; text-wrap: pretty; }
code { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; font-size: 0.875em; }
a { color: var(--link); text-underline-offset: 0.2em; }
a:hover { text-decoration-thickness: 2px; }
:focus-visible { outline: 3px solid var(--ring); outline-offset: 2px; }
.brand { display: flex; align-items: center; gap: 0.625rem; margin-bottom: 1.25rem; font-weight: 650; letter-spacing: -0.01em; }
.mark { flex: none; width: 2rem; height: 2rem; }
.mark-door { fill: #1f4d40; stroke: transparent; }
.mark-key { fill: none; stroke: #e7b95c; stroke-width: 2.5; stroke-linecap: round; stroke-linejoin: round; }
b { font-weight: 650; }
.soft { color: var(--soft); font-size: 0.9375rem; }
.name { display: inline-block; max-width: 100%; overflow: hidden; vertical-align: bottom; font-weight: 650; }
.app-name { line-height: 1.35; max-height: 4.05em; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.panel { margin: 0 0 1.25rem; padding: 0.875rem 1rem; border: 1px solid var(--line); border-radius: 0.75rem; background: var(--panel); }
.panel > :last-child, .target dl, .account dl, .row dl { margin-bottom: 0; }
dl { margin: 0 0 1rem; display: grid; gap: 0.75rem; }
dt { color: var(--soft); font-size: 0.875rem; }
dd { margin: 0; }
.notice { display: flex; gap: 0.625rem; margin: 0 0 1.25rem; padding: 0.75rem 0.875rem; border: 1px solid; border-radius: 0.75rem; font-size: 0.9375rem; }
.notice p { margin: 0; min-width: 0; }
.notice p + p { margin-top: 0.25rem; }
.origin { margin: 0.25rem 0 0; color: var(--soft); font-size: 0.875rem; line-height: 1.4; font-weight: 400; }
.question { margin-bottom: 0; font-size: 1.375rem; font-weight: 400; }
.ask { margin-top: 0.875rem; }
.question ~ .notice { margin: 0.875rem 0 0; }
.target dd { font-size: 1.0625rem; line-height: 1.35; }
.panel dd b { font-size: 1.125rem; }
.target dd b { font-size: 1.25rem; }
.target + p { margin-top: 0.375rem; }
.warn dt { color: inherit; }
.ask .panel, .ask .notice { margin-bottom: 0.25rem; }
.account, .row { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 0.25rem 1rem; }
.account { margin-bottom: 0.5rem; }
.account dl div { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 0.5rem; }
.account > dl, .row > div { min-width: 0; }
.notice svg { flex: none; width: 1.25rem; height: 1.25rem; margin-top: 0.0625rem; fill: none; stroke: currentColor; stroke-width: 1.75; stroke-linecap: round; stroke-linejoin: round; }
.warn { background: var(--warn); border-color: var(--warn-line); color: var(--warn-ink); }
.good { background: var(--good); border-color: var(--good-line); color: var(--good-ink); }
.bad { background: var(--bad); border-color: var(--bad-line); color: var(--bad-ink); }
.site { margin: 0; }
.tap { display: inline-flex; align-items: center; min-height: 2.75rem; }
.field { margin: 0 0 1.125rem; }
.field label { display: block; margin-bottom: 0.375rem; font-weight: 600; font-size: 0.9375rem; }
.field input { display: block; width: 100%; min-height: 3rem; padding: 0.5rem 0.875rem; border: 1px solid var(--edge); border-radius: 0.625rem; background: var(--card); color: inherit; font: inherit; }
.field input[aria-invalid] { border-color: var(--bad-ink); }
.hint { margin: 0.375rem 0 0; color: var(--soft); font-size: 0.875rem; }
.button { display: flex; align-items: center; justify-content: center; width: 100%; min-height: 3rem; padding: 0.625rem 1.25rem; border: 2px solid var(--door); border-radius: 0.625rem; background: var(--door); color: var(--on-door); font: inherit; font-weight: 650; text-align: center; text-decoration: none; cursor: pointer; }
.button:hover { background: var(--door-over); border-color: var(--door-over); }
.decision { margin: 0 -1.25rem -0.75rem; padding: 0.75rem 1.25rem; background: var(--card); }
.choice { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 7.5rem), 1fr)); gap: 0.75rem; }
.quiet { display: inline-flex; width: auto; min-height: 2.75rem; padding: 0.5rem 1rem; }
.secondary, .quiet { background: transparent; color: var(--link); }
.secondary:hover, .quiet:hover { background: var(--panel); border-color: var(--door-over); color: var(--link); }
.unticked { display: none; margin: 0 0 0.625rem; color: var(--soft); font-size: 0.9375rem; text-align: center; }
.ask:has(.scope):not(:has(.scope input:checked)) .unticked { display: block; }
.ask:has(.scope):not(:has(.scope input:checked)) .allow { border: 2px dashed var(--edge); background: transparent; color: var(--soft); }
fieldset { min-width: 0; margin: 0 0 0.75rem; padding: 0; border: 0; }
legend { max-width: 100%; padding: 0; margin-bottom: 0.5rem; font-weight: 650; }
.uri { display: block; color: var(--soft); }
.scopes { border: 1px solid var(--line); border-radius: 0.75rem; overflow: hidden; }
.scope { display: flex; gap: 0.75rem; min-height: 2.75rem; padding: 0.75rem 0.875rem; cursor: pointer; }
.scope + .scope { border-top: 1px solid var(--line); }
.scope:hover { background: var(--panel); }
.scope input { flex: none; width: 1.25rem; height: 1.25rem; margin: 0.125rem 0 0; accent-color: var(--door); cursor: inherit; }
.scope > span { min-width: 0; }
.included { display: block; color: var(--soft); font-size: 0.9375rem; }
details { margin-top: 0.25rem; font-size: 0.9375rem; }
summary { min-height: 2.75rem; padding: 0.625rem 0; color: var(--soft); cursor: pointer; }
details dl { margin: 0 0 0.5rem; }
.may { margin: 0 0 1rem; padding-left: 1.125rem; }
.may li + li { margin-top: 0.25rem; }
.may li::marker { color: var(--soft); }
.may code { display: block; color: var(--soft); }
.new, .here { display: inline-block; margin-left: 0.25rem; padding: 0 0.5rem; border: 1px solid; border-radius: 1rem; font-size: 0.8125rem; font-weight: 600; }
.new { border-color: var(--warn-line); background: var(--warn); color: var(--warn-ink); }
.here { border-color: var(--good-line); background: var(--good); color: var(--good-ink); }
.list { margin: 0 0 1.25rem; padding: 0; list-style: none; }
.list li { padding: 0.75rem 0; border-top: 1px solid var(--line); }
.list li:last-child { border-bottom: 1px solid var(--line); }
.ways { display: flex; flex-wrap: wrap; gap: 0 1.5rem; }
.copy { display: block; user-select: all; }
@media (min-height: 30em) {
  html:has(.decision) { scroll-padding-bottom: 7.5rem; }
  .decision { position: sticky; bottom: 0; border-top: 1px solid var(--line); }
}
@media (min-width: 36em) {
  body { display: grid; justify-items: center; align-content: center; padding: 3rem 1.5rem; background: var(--page); }
  .brand { margin-bottom: 1.75rem; }
  .question { font-size: 1.625rem; }
  .decision { margin: 0 -2.5rem -1.25rem; padding: 1rem 2.5rem; }
  main { width: 100%; max-width: 29rem; padding: 2.25rem 2.5rem 2.5rem; border: 1px solid var(--line); border-radius: 1.25rem; background: var(--card); box-shadow: 0 1px 2px rgb(27 36 32 / 5%), 0 16px 40px -12px rgb(27 36 32 / 14%); }
}
@media (forced-colors: active) {
  .mark-door { fill: Canvas; stroke: CanvasText; }
  .mark-key { stroke: CanvasText; }
  .button { border-color: ButtonText; }
}
`
