/** Changes one thing or several in a well-formed request: the server must answer each with an error of its protocol. */
import type { Dice } from "./Dice.js"
import { type Body, bytesOf, type Pairs, type Request } from "./Request.js"
import * as Values from "./Values.js"

type Mutation = (request: Request, dice: Dice) => Request

const replaceAt = (pairs: Pairs, at: number, ...replacement: Pairs): Pairs => [
  ...pairs.slice(0, at),
  ...replacement,
  ...pairs.slice(at + 1)
]

/** Changes one field of a form, a query or the headers. */
const inFields = (fields: Pairs, dice: Dice): Pairs => {
  const at = dice.int(Math.max(1, fields.length))
  const [name, value] = fields[at] ?? ["", ""]
  switch (dice.int(10)) {
    case 0:
      return replaceAt(fields, at)
    case 1:
      return [...fields, [name, value]]
    case 2:
      return [...fields, [name, Values.text(dice)]]
    case 3:
      return replaceAt(fields, at, [name, ""])
    case 4:
      return replaceAt(fields, at, [Values.name(dice), value])
    case 5:
      return [...fields, [Values.name(dice), Values.text(dice)]]
    case 6: {
      const other = dice.int(Math.max(1, fields.length))
      const [otherName, otherValue] = fields[other] ?? ["", ""]
      return replaceAt(replaceAt(fields, at, [name, otherValue]), other, [otherName, value])
    }
    case 7:
      return replaceAt(fields, at, [name, Values.altered(value, dice)])
    default:
      return replaceAt(fields, at, [name, Values.text(dice)])
  }
}

/** Changes a value of JSON somewhere inside. */
const inJson = (value: unknown, dice: Dice): unknown => {
  if (dice.chance(25) || typeof value !== "object" || value === null) {
    return typeof value === "string" && dice.chance(30) ? Values.altered(value, dice) : Values.json(dice)
  }
  if (Array.isArray(value)) {
    const at = dice.int(value.length + 1)
    return dice.chance(30)
      ? [...value, ...value]
      : [...value.slice(0, at), inJson(value[at], dice), ...value.slice(at + 1)]
  }
  const members = Object.entries(value)
  const at = dice.int(members.length + 1)
  const [name, inner] = members[at] ?? [Values.name(dice), null]
  if (dice.chance(20)) return Object.fromEntries(members.filter((_, index) => index !== at))
  return Object.fromEntries([...members.filter((_, index) => index !== at), [name, inJson(inner, dice)]])
}

/** Texts that are almost JSON, or JSON that is hard to read. */
const brokenJson = (text: string, dice: Dice): string =>
  dice.pick([
    () => text.slice(0, dice.int(text.length + 1)),
    () => `\ufeff${text}`,
    () => text.replace(/^\{/, '{"client_name":"a","client_name":"b",'),
    () => text.replace(/^\{/, '{"__proto__":{"isAdmin":true},"constructor":{"prototype":{"x":1}},'),
    () => "[".repeat(dice.pick([100, 5_000, 60_000])),
    () => `${'{"a":'.repeat(5_000)}1${"}".repeat(5_000)}`,
    () => text.replace(/"([^"]*)"$/, '"\\ud800"'),
    () => text.replace(/\}$/, ",}"),
    () => text.replaceAll('"', "'"),
    () => `${text}${text}`,
    () => text.replace(/:"[^"]*"/, ":1e999"),
    () => text.replace(/:"[^"]*"/, ':"\\u0000\\u202e"'),
    () => ""
  ])()

/** Forms that are almost encoded. */
const brokenForm = (text: string, dice: Dice): string =>
  dice.pick([
    () => text.replace("=", ""),
    () => text.replaceAll("&", "&&"),
    () => text.replaceAll("&", ";"),
    () => `${text}&%`,
    () => `${text}&a=%zz`,
    () => `${text}&a=%ED%A0%80`,
    () => `${text}&%00=%00`,
    () => text.replaceAll("_", "%5F"),
    () => `${text}&${"a=b&".repeat(5_000)}`,
    () => text.slice(0, dice.int(text.length + 1)),
    () => "=&=&="
  ])()

const body =
  (change: (body: Body, dice: Dice) => Body): Mutation =>
  (request, dice) => ({
    ...request,
    body: change(request.body, dice)
  })

const mutateBody = body((body, dice) => {
  switch (body.type) {
    case "form":
      return { type: "form", fields: inFields(body.fields, dice) }
    case "json":
      return { type: "json", value: inJson(body.value, dice) }
    default:
      return { type: "raw", bytes: dice.bytes(dice.int(200)) }
  }
})

const breakBody = body((body, dice) => {
  const text = bytesOf(body).toString()
  if (dice.chance(10)) return { type: "raw", bytes: Buffer.alloc(dice.pick([65_536, 65_537, 80_000]), "a") }
  if (dice.chance(15)) return { type: "raw", bytes: Buffer.concat([bytesOf(body), dice.bytes(8)]) }
  return { type: "raw", bytes: Buffer.from(body.type === "json" ? brokenJson(text, dice) : brokenForm(text, dice)) }
})

const mutateQuery: Mutation = (request, dice) => ({ ...request, query: inFields(request.query, dice) })

const mutatePath: Mutation = (request, dice) => ({
  ...request,
  path: dice.pick([
    `${request.path}/`,
    `/${request.path}`,
    request.path.toUpperCase(),
    request.path.replace(/[a-z]/, (letter) => `%${letter.charCodeAt(0).toString(16)}`),
    `${request.path}%00`,
    `${request.path}/..${request.path}`,
    `/.${request.path}`,
    `${request.path}#fragment`,
    `${request.path};a=b`,
    `${request.path}?a=b?c=d`,
    `${request.path}/${encodeURIComponent(Values.text(dice)).slice(0, 500)}`,
    request.path.replace(/[^/]*$/, Values.name(dice)),
    `http://evil.example${request.path}`,
    "*"
  ])
})

const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "QUERY", "get", "X"]

const mutateMethod: Mutation = (request, dice) => ({ ...request, method: dice.pick(methods) })

const contentTypes = [
  "text/plain",
  "application/json",
  "application/x-www-form-urlencoded",
  "application/x-www-form-urlencoded; charset=utf-16",
  "application/json; charset=iso-8859-1",
  'application/json; charset="UTF-8"; boundary=x',
  "multipart/form-data; boundary=x",
  "multipart/form-data",
  "application/*",
  ";",
  "",
  "application/json, text/plain"
]

const headerNames = [
  "authorization",
  "cookie",
  "origin",
  "sec-fetch-site",
  "accept",
  "x-forwarded-for",
  "x-forwarded-proto"
]
const moreNames = [
  "forwarded",
  "host",
  "content-encoding",
  "range",
  "if-none-match",
  "mcp-protocol-version",
  "accept-encoding"
]

const headerValues = (dice: Dice): string =>
  dice.pick([
    "null",
    "https://evil.example",
    "cross-site",
    "gzip",
    "Bearer",
    "Bearer  ",
    "Basic",
    "Basic ====",
    `Basic ${Buffer.from("a").toString("base64")}`,
    `Basic ${Buffer.from("\0:\0").toString("base64")}`,
    `Basic ${Buffer.from("%zz:%").toString("base64")}`,
    "Bearer a, Bearer b",
    "DPoP x",
    "127.0.0.1, 127.0.0.1",
    "::ffff:1.2.3.4",
    "unknown",
    "bytes=0-1",
    "*",
    "evil.example:1",
    Values.text(dice)
  ])

const mutateHeaders: Mutation = (request, dice) => {
  const { headers } = request
  if (dice.chance(25)) {
    const kept = headers.filter(([name]) => name !== "content-type")
    return { ...request, headers: [...kept, ["content-type", dice.pick(contentTypes)]] }
  }
  if (headers.length > 0 && dice.chance(50)) {
    const at = dice.int(headers.length)
    const [name, value] = headers[at] ?? ["", ""]
    const changed = dice.pick([
      [],
      [[name, Values.altered(value, dice)]],
      [
        [name, value],
        [name, value]
      ]
    ] as const)
    return { ...request, headers: replaceAt(headers, at, ...changed) }
  }
  return { ...request, headers: [...headers, [dice.pick([...headerNames, ...moreNames]), headerValues(dice)]] }
}

const mutations: ReadonlyArray<{ readonly weight: number; readonly change: Mutation }> = [
  { weight: 8, change: mutateBody },
  { weight: 4, change: breakBody },
  { weight: 4, change: mutateQuery },
  { weight: 4, change: mutateHeaders },
  { weight: 2, change: mutatePath },
  { weight: 2, change: mutateMethod }
]

/** Whether a mutation finds something to change: a request without a query often needs none. */
const applies = (request: Request, change: Mutation, dice: Dice): boolean => {
  if (change === mutateBody || change === breakBody) return request.body.type !== "none" || dice.chance(10)
  return change !== mutateQuery || request.query.length > 0 || dice.chance(20)
}

/** The request after one mutation, seldom after several. */
export const mutate = (request: Request, dice: Dice): Request => {
  let mutated = request
  for (let left = dice.chance(20) ? 3 : 1; left > 0; left--) {
    const fitting = mutations.filter(({ change }) => applies(mutated, change, dice))
    mutated = dice.weighted(fitting).change(mutated, dice)
  }
  return mutated
}
