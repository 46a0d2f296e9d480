/** Signs a browser in, so that its later authorization requests find a session and a consent. */
import { encode, get, location, post } from "./http.mjs"
import { random, wrong } from "./oauth.mjs"
import { redirectUri } from "./targets.mjs"

/** Maximum number of pages from the authorization request to the redirect with a code. */
const maxPages = 12

/** @param {number} index */
export const username = (index) => `user-${index}`
/** @param {number} index */
export const password = (index) => `correct horse battery ${index}`

/** @param {string} text */
const decodeEntities = (text) => text.replaceAll("&quot;", '"').replaceAll("&#39;", "'").replaceAll("&amp;", "&")

/** @param {string} tag @param {string} name */
const attribute = (tag, name) => {
  const [, value] = new RegExp(`\\s${name}="([^"]*)"`).exec(tag) ?? []
  return value === undefined ? undefined : decodeEntities(value)
}

/**
 * The fields that a user sends with a form: the name and password, the ticked boxes, the hidden fields, and Allow.
 *
 * @param {string} form
 * @param {number} index
 */
const fieldsOf = (form, index) => {
  /** @type {Record<string, string>} */
  const fields = {}
  for (const [tag] of form.matchAll(/<input[^>]*>/g)) {
    const [name, type] = [attribute(tag, "name"), attribute(tag, "type")]
    if (name === undefined || (type === "checkbox" && !/\schecked/.test(tag))) continue
    if (type === "password") fields[name] = password(index)
    else if (name === "username") fields[name] = username(index)
    else fields[name] = attribute(tag, "value") ?? (type === "checkbox" ? "on" : "")
  }
  for (const [tag] of form.matchAll(/<button[^>]*name="decision"[^>]*>/g)) {
    const value = attribute(tag, "value") ?? ""
    if (/allow|approve|yes/i.test(value)) fields.decision = value
  }
  return fields
}

/**
 * Logs in and consents at the pages of the server.
 *
 * @param {import("./oauth.mjs").OAuthClient} client
 * @param {number} port
 * @param {import("./load.mjs").Worker} worker
 */
const usePages = async (client, port, { connection, cookies, index }) => {
  let { path } = client.authorization()
  let response = await connection.request(get(port, path))
  for (let pages = 0; pages < maxPages; pages++) {
    cookies.store(response)
    const to = location(response)
    if (to?.startsWith(redirectUri)) return
    const forms = response.body.match(/<form[^>]*>[\s\S]*?<\/form>/g) ?? []
    const form = forms.find((text) => /type="password"|name="decision"/.test(text))
    if (to === undefined && (form === undefined || response.status >= 400)) throw wrong("login", response)
    const action = to ?? attribute(form?.slice(0, form.indexOf(">") + 1) ?? "", "action") ?? path
    const url = new URL(action, `http://127.0.0.1:${port}${path}`)
    path = url.pathname + url.search
    if (form === undefined) {
      response = await connection.request(get(port, path, cookies.header()))
    } else {
      const head = `${cookies.header()}Origin: http://127.0.0.1:${port}\r\nSec-Fetch-Site: same-origin\r\n`
      response = await connection.request(post(port, path, "form", encode(fieldsOf(form, index)), head))
    }
  }
  throw new Error(`login: more than ${maxPages} pages`)
}

/**
 * Signs the browser of a worker in, and does one whole flow.
 *
 * @param {import("./targets.mjs").Target} target
 * @param {import("./oauth.mjs").OAuthClient} client
 * @param {number} port
 * @param {import("./load.mjs").Worker} worker
 */
export const signIn = async (target, client, port, worker) => {
  const { hasLoginPage, setup } = target.authorize
  if (setup !== undefined) {
    const origin = `Origin: http://127.0.0.1:${port}\r\n`
    const json = JSON.stringify(setup.json ?? {}).replaceAll("{unique}", `u${worker.index}-${random(9)}`)
    const request = setup.method === "GET" ? get(port, setup.path) : post(port, setup.path, "json", json, origin)
    const response = await worker.connection.request(request)
    if (response.status !== 200) throw wrong(`${setup.method} ${setup.path}`, response)
    worker.cookies.store(response)
  }
  if (hasLoginPage) await usePages(client, port, worker)
  await client.codeFlow(worker)
}
