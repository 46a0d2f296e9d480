/** The parameters and the answers of the lower bound. */
import { Refusal } from "./boundStore.mjs"

/** @typedef {Readonly<Record<string, string>>} Form */
/** @typedef {{ readonly status?: number, readonly body?: string, readonly location?: string }} Answer */

/** @param {string} text */
export const decode = (text) => {
  if (!text.includes("%") && !text.includes("+")) return text
  try {
    return decodeURIComponent(text.replaceAll("+", " "))
  } catch {
    throw new Refusal(400, "invalid_request")
  }
}

/**
 * Reads parameters. A parameter must not be repeated (RFC 6749 §3.1).
 *
 * @param {string} text
 * @returns {Form}
 */
export const readForm = (text) => {
  /** @type {Record<string, string>} */
  const form = Object.create(null)
  if (text === "") return form
  for (const pair of text.split("&")) {
    const at = pair.indexOf("=")
    const name = decode(at < 0 ? pair : pair.slice(0, at))
    if (name in form) throw new Refusal(400, "invalid_request")
    form[name] = at < 0 ? "" : decode(pair.slice(at + 1))
  }
  return form
}

/**
 * @param {import("node:http").ServerResponse} response
 * @param {Answer | Refusal} answer
 */
export const send = (response, answer) => {
  if (answer instanceof Refusal) {
    const body = `{"error":"${answer.code}"}`
    const challenge = answer.status === 401 ? { "WWW-Authenticate": 'Bearer error="invalid_token"' } : {}
    const headers = { "Content-Type": "application/json", "Cache-Control": "no-store", "Content-Length": body.length }
    response.writeHead(answer.status, { ...headers, ...challenge })
    response.end(body)
  } else if (answer.location !== undefined) {
    response.writeHead(302, { Location: answer.location, "Cache-Control": "no-store", "Content-Length": 0 })
    response.end()
  } else {
    const body = answer.body ?? "{}"
    response.writeHead(answer.status ?? 200, {
      "Content-Type": "application/json",
      "Cache-Control": "no-store",
      "Content-Length": body.length
    })
    response.end(body)
  }
}
