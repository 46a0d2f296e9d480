/**
 * Collects where the sources and tests cite a section of an RFC ("RFC 6749 §4.1.2", "RFC 7591 §2 and §3.2.1",
 * "OAuth 2.1 §4.1", "RFC 7636 Appendix B") into `docs/rfc-map.md`. In `src` the comments count, in `test` the comments
 * and the titles.
 *
 * Usage: `node scripts/rfc-map.mjs [--check] [root]`; with `--check` nothing is written, and a stale map exits 1.
 */
import * as fs from "node:fs"
import * as path from "node:path"
import ts from "typescript"
import { isEntryPoint, parse, repository, typescriptFiles, walk } from "./lib/sources.mjs"

/** @typedef {{ readonly document: string, readonly section: string, readonly file: string, readonly line: number }} Citation */

/** @type {Readonly<Record<string, string>>} */
const titles = {
  "OAuth 2.1": "The OAuth 2.1 Authorization Framework",
  "RFC 3986": "Uniform Resource Identifier (URI): Generic Syntax",
  "RFC 4648": "The Base16, Base32, and Base64 Data Encodings",
  "RFC 5869": "HMAC-based Extract-and-Expand Key Derivation Function (HKDF)",
  "RFC 6265": "HTTP State Management Mechanism",
  "RFC 6585": "Additional HTTP Status Codes",
  "RFC 6749": "The OAuth 2.0 Authorization Framework",
  "RFC 6750": "Bearer Token Usage",
  "RFC 6819": "OAuth 2.0 Threat Model and Security Considerations",
  "RFC 7009": "OAuth 2.0 Token Revocation",
  "RFC 7515": "JSON Web Signature (JWS)",
  "RFC 7517": "JSON Web Key (JWK)",
  "RFC 7518": "JSON Web Algorithms (JWA)",
  "RFC 7519": "JSON Web Token (JWT)",
  "RFC 7521": "Assertion Framework for OAuth 2.0 Client Authentication and Authorization Grants",
  "RFC 7523": "JWT Profile for OAuth 2.0 Client Authentication and Authorization Grants",
  "RFC 7591": "OAuth 2.0 Dynamic Client Registration Protocol",
  "RFC 7592": "OAuth 2.0 Dynamic Client Registration Management Protocol",
  "RFC 7617": "The 'Basic' HTTP Authentication Scheme",
  "RFC 7636": "Proof Key for Code Exchange by OAuth Public Clients",
  "RFC 7638": "JSON Web Key (JWK) Thumbprint",
  "RFC 7662": "OAuth 2.0 Token Introspection",
  "RFC 8252": "OAuth 2.0 for Native Apps",
  "RFC 8414": "OAuth 2.0 Authorization Server Metadata",
  "RFC 8615": "Well-Known Uniform Resource Identifiers (URIs)",
  "RFC 8628": "OAuth 2.0 Device Authorization Grant",
  "RFC 8693": "OAuth 2.0 Token Exchange",
  "RFC 8705": "OAuth 2.0 Mutual-TLS Client Authentication and Certificate-Bound Access Tokens",
  "RFC 8707": "Resource Indicators for OAuth 2.0",
  "RFC 8725": "JSON Web Token Best Current Practices",
  "RFC 9068": "JSON Web Token (JWT) Profile for OAuth 2.0 Access Tokens",
  "RFC 9101": "JWT-Secured Authorization Request (JAR)",
  "RFC 9106": "Argon2 Memory-Hard Function for Password Hashing and Proof-of-Work Applications",
  "RFC 9110": "HTTP Semantics",
  "RFC 9111": "HTTP Caching",
  "RFC 9126": "OAuth 2.0 Pushed Authorization Requests",
  "RFC 9207": "OAuth 2.0 Authorization Server Issuer Identification",
  "RFC 9396": "OAuth 2.0 Rich Authorization Requests",
  "RFC 9449": "OAuth 2.0 Demonstrating Proof of Possession (DPoP)",
  "RFC 9562": "Universally Unique IDentifiers (UUIDs)",
  "RFC 9700": "Best Current Practice for OAuth 2.0 Security",
  "RFC 9701": "JWT Response for OAuth Token Introspection",
  "RFC 9728": "OAuth 2.0 Protected Resource Metadata"
}

const sectionPattern = String.raw`(?:§\s*\d+(?:\.\d+)*|Appendix\s+[A-Z](?:\.\d+)*)`
const citationPattern = new RegExp(
  String.raw`(RFC\s+\d{3,5}|OAuth\s+2\.1),?\s+(${sectionPattern}(?:\s*(?:,|and|or|,\s*and|to)\s*${sectionPattern})*)`,
  "g"
)

/**
 * The citations in a text, each with its offset. A citation may go on after the line break of a comment.
 *
 * @param {string} text
 */
const citationsIn = (text) => {
  const joined = text.replace(/\r?\n[ \t]*(?:\*(?!\/)|\/\/)?/g, (gap) => " ".repeat(gap.length))
  return [...joined.matchAll(citationPattern)].flatMap(({ index, 1: document = "", 2: sections = "" }) =>
    [...sections.matchAll(new RegExp(sectionPattern, "g"))].map(([section]) => ({
      document: document.replace(/\s+/, " "),
      section: section.replace(/§\s*/, "").replace(/\s+/, " "),
      offset: index
    }))
  )
}

/**
 * The pieces of a file that may cite: every comment and, where titles count, each text that is the first argument of a call.
 *
 * @param {ts.SourceFile} source
 * @param {boolean} withTitles
 */
const citingTexts = (source, withTitles) => {
  /** @type {Array<{ readonly text: string, readonly start: number }>} */
  const pieces = []
  /** @param {number} start @param {number} end */
  const add = (start, end) => pieces.push({ text: source.text.slice(start, end), start })

  // What stands before a token is white space and comments, nothing else.
  /** @param {ts.Node} node */
  const visitTokens = (node) => {
    const children = node.getChildren(source).filter((child) => !ts.isJSDoc(child))
    if (children.length === 0) add(node.getFullStart(), node.getStart(source))
    else children.forEach(visitTokens)
  }
  visitTokens(source)

  if (withTitles) {
    walk(source, (node) => {
      if (!ts.isCallExpression(node)) return
      const title = node.arguments[0]
      if (title && (ts.isStringLiteralLike(title) || ts.isTemplateExpression(title))) {
        add(title.getStart(source), title.getEnd())
      }
    })
  }
  return pieces
}

/**
 * The citations in the given files.
 *
 * @param {string} root
 * @param {ReadonlyArray<string>} files
 * @param {boolean} withTitles
 * @returns {Array<Citation>}
 */
const collect = (root, files, withTitles) =>
  files.flatMap((file) => {
    const source = parse(root, file)
    return citingTexts(source, withTitles).flatMap(({ text, start }) =>
      citationsIn(text).map(({ document, section, offset }) => ({
        document,
        section,
        file,
        line: source.getLineAndCharacterOfPosition(start + offset).line + 1
      }))
    )
  })

/**
 * Orders "4.1.2" before "4.10", and every number before the appendices.
 *
 * @param {string} a
 * @param {string} b
 */
const compare = (a, b) => a.localeCompare(b, "en", { numeric: true })

/**
 * The values of an iterable by key, in the order of the keys.
 *
 * @template A
 * @param {Iterable<A>} items
 * @param {(item: A) => string} key
 * @returns {Array<readonly [string, Array<A>]>}
 */
const groupBy = (items, key) => {
  /** @type {Map<string, Array<A>>} */
  const groups = new Map()
  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item])
  return [...groups].sort(([a], [b]) => compare(a, b))
}

/** @param {ReadonlyArray<Citation>} citations */
const places = (citations) =>
  groupBy(citations, (citation) => citation.file)
    .map(([file, found]) => {
      const lines = [...new Set(found.map((citation) => citation.line))].sort((a, b) => a - b)
      return `${file}:${lines.join(", ")}`
    })
    .join("<br>")

/** @param {string} document @param {string} section */
const sectionCell = (document, section) => {
  const appendix = section.startsWith("Appendix ")
  const label = appendix ? section : `§${section}`
  if (!document.startsWith("RFC ")) return label
  const anchor = appendix ? section.replace("Appendix ", "appendix-") : `section-${section}`
  return `[${label}](https://www.rfc-editor.org/rfc/rfc${document.slice(4)}#${anchor})`
}

/**
 * The text of the map for the tree at `root`.
 *
 * @param {string} root
 */
export const render = (root) => {
  // The tests of the scripts cite sections only as samples.
  const testFiles = typescriptFiles(root, "test").filter((file) => !file.startsWith("test/scripts/"))
  const sources = collect(root, typescriptFiles(root, "src"), false)
  const tests = new Set(collect(root, testFiles, true))
  const documents = groupBy([...sources, ...tests], (citation) => citation.document).map(([document, cited]) => {
    const rows = groupBy(cited, (citation) => citation.section).map(([section, found]) => {
      const inSources = found.filter((citation) => !tests.has(citation))
      const inTests = found.filter((citation) => tests.has(citation))
      return `| ${sectionCell(document, section)} | ${places(inSources)} | ${places(inTests)} |`
    })
    const title = titles[document] ? `${document}: ${titles[document]}` : document
    return [`## ${title}`, "", "| Section | Sources | Tests |", "|---|---|---|", ...rows].join("\n")
  })
  return [
    "# Where each section of an RFC is answered",
    "Collected from the citations in the sources and tests by `npm run rfc-map`; do not edit.",
    ...documents
  ]
    .join("\n\n")
    .concat("\n")
}

/** @param {ReadonlyArray<string>} args */
const main = (args) => {
  const root = args.find((arg) => !arg.startsWith("--")) ?? repository
  const file = path.join(root, "docs/rfc-map.md")
  const map = render(root)
  if (!args.includes("--check")) {
    fs.mkdirSync(path.dirname(file), { recursive: true })
    fs.writeFileSync(file, map)
  } else if (!fs.existsSync(file) || fs.readFileSync(file, "utf8") !== map) {
    console.error("docs/rfc-map.md is stale: run `npm run rfc-map`")
    process.exitCode = 1
  } else {
    console.log("rfc-map: fresh")
  }
}

if (isEntryPoint(import.meta.url)) main(process.argv.slice(2))
