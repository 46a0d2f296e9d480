/**
 * Finds sentences that are not plain English: the beginnings and the words that the house style avoids, in the comments
 * and texts of `src` and `examples`, in the documents, and in the titles of the tests.
 *
 * Usage: `node scripts/words.mjs [root]`; exits 1 with one line for each find.
 */
import * as fs from "node:fs"
import * as path from "node:path"
import ts from "typescript"
import { finish } from "./lib/generated.mjs"
import { isEntryPoint, repository, typescriptFiles } from "./lib/sources.mjs"

/** A sentence begins at the start of a text, or after a full stop, a colon, a semicolon, a bullet or a cell. */
const beginning = String.raw`(?:^|[.:;!?]["')\x60*_]*\s+|^\s*[-*#|>]+\s+|\|\s+)["'(\x60*_]*`

const forbidden = [
  new RegExp(String.raw`${beginning}(?:What|Whoever|Whom|Nobody|Of|So (?:many|much|long|far))\b`, "gm"),
  /\b(?:whoever|nobody|somebody|anew|newcomers?|upkeep)\b/gi,
  /\bhow many it were\b/gi,
  /\bpast (?:its )?use\b/gi,
  /\b(?:is|are|was|were|be|being) told\b/gi,
  /\btells\b/gi,
  /\b(?:stands(?! for\b)|lies)\b/gi,
  /\b(?:take|takes|took|taken|taking)(?: \w+){0,2} (?:back|away)\b/gi,
  /\b(?:give|gives|gave|given|giving) out\b/gi,
  /\b(?:is|are) there no more\b/gi,
  /\bof an own\b/gi
]

/** @typedef {{ readonly text: string, readonly line: number }} Passage */

/**
 * Returns the finds in one text, each with its line and its surroundings.
 *
 * @param {Passage} passage
 * @returns {Array<{ readonly line: number, readonly phrase: string, readonly excerpt: string }>}
 */
const findsOf = ({ line, text }) =>
  forbidden.flatMap((pattern) =>
    Array.from(text.matchAll(pattern), ({ 0: match, index }) => {
      const start = index + match.length - match.trimStart().length
      const excerpt = text.slice(Math.max(0, start - 30), start + 60).replace(/\s+/g, " ")
      const lines = text.slice(0, index + match.length).split(/[\n\v]/).length
      return {
        line: line + lines - 1,
        phrase: match
          .replace(/^[^A-Za-z]+/, "")
          .trim()
          .replace(/\s+/g, " "),
        excerpt
      }
    })
  )

/**
 * The text of a comment without its marks, with as many lines as before.
 *
 * @param {string} comment
 */
const commentText = (comment) =>
  comment
    .replace(/^\/\*\*?|\*\/$/g, "")
    .split("\n")
    .map((line) => line.replace(/^\s*(?:\*|\/\/)+\s?/, ""))
    .join("\n")

/**
 * The comments and the texts of a source file.
 *
 * @param {string} source
 * @returns {Array<Passage>}
 */
const passagesOfSource = (source) => {
  /** @type {Array<Passage>} */
  const passages = []
  const file = ts.createSourceFile("x.ts", source, ts.ScriptTarget.ES2022, true)
  /** @param {number} position */
  const lineOf = (position) => file.getLineAndCharacterOfPosition(position).line + 1
  /** @type {Set<number>} */
  const seen = new Set()
  /** @param {ts.Node} node */
  const visit = (node) => {
    for (const range of ts.getLeadingCommentRanges(source, node.getFullStart()) ?? []) {
      if (seen.has(range.pos)) continue
      seen.add(range.pos)
      passages.push({ text: commentText(source.slice(range.pos, range.end)), line: lineOf(range.pos) })
    }
    const isText = ts.isStringLiteralLike(node) || node.kind === ts.SyntaxKind.TemplateHead
    if (isText && !ts.isImportDeclaration(node.parent)) {
      passages.push({ text: /** @type {ts.LiteralLikeNode} */ (node).text, line: lineOf(node.getStart()) })
    }
    for (const child of node.getChildren(file)) visit(child)
  }
  visit(file)
  return passages
}

/** The functions whose first texts are the title of a test. */
const titled = /^(?:describe|it|test|check|control|otherwise|absent|layer)\b/

/**
 * The titles of the tests of a file.
 *
 * @param {string} source
 * @returns {Array<Passage>}
 */
const titlesOf = (source) => {
  /** @type {Array<Passage>} */
  const titles = []
  const file = ts.createSourceFile("x.ts", source, ts.ScriptTarget.ES2022, true)
  /** @param {ts.Node} node */
  const visit = (node) => {
    if (ts.isCallExpression(node) && titled.test(node.expression.getText())) {
      for (const argument of node.arguments) {
        if (!ts.isStringLiteralLike(argument)) continue
        const line = file.getLineAndCharacterOfPosition(argument.getStart()).line + 1
        // The tag of a rule, such as "§4.1.3" or "[CODE-01]", is no part of the sentence.
        titles.push({ text: argument.text.replace(/^(?:§\S+|\[[^\]]*\]|[A-Z]+-\d+)\s+/, ""), line })
      }
    }
    ts.forEachChild(node, visit)
  }
  visit(file)
  return titles
}

/**
 * The text of a document, with empty lines in place of its code.
 *
 * @param {string} source
 * @returns {Array<Passage>}
 */
const passagesOfDocument = (source) => {
  const text = source
    .replace(/^```.*?^```/gms, (block) => block.replace(/[^\n]/g, ""))
    .replace(/`[^`\n]*`/g, (code) => "x".repeat(code.length))
  return [{ text, line: 1 }]
}

/**
 * Joins the lines of a paragraph by a vertical tab, so that only its first line begins a sentence. Headings, bullets and
 * rows are not joined.
 *
 * @param {Passage} passage
 * @returns {Passage}
 */
const joined = ({ line, text }) => ({ line, text: text.replace(/\n(?=[ \t]*[^\s#|>*-])(?<!\n\n)/g, "\v") })

/** @param {string} root @param {string} folder */
const documentsOf = (root, folder) => {
  const top = path.join(root, folder)
  if (!fs.existsSync(top)) return []
  return fs
    .readdirSync(top, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => path.posix.join(folder, name))
    .sort()
}

/**
 * Returns one line for each find.
 *
 * @param {string} root
 */
export const check = (root) => {
  /** @type {ReadonlyArray<readonly [file: string, read: (source: string) => Array<Passage>]>} */
  const sources = [
    ...typescriptFiles(root, "src").map((file) => /** @type {const} */ ([file, passagesOfSource])),
    ...typescriptFiles(root, "examples").map((file) => /** @type {const} */ ([file, passagesOfSource])),
    ...typescriptFiles(root, "test")
      .filter((file) => file.endsWith(".test.ts"))
      .map((file) => /** @type {const} */ ([file, titlesOf])),
    ...["README.md", "CONTRIBUTING.md", ...documentsOf(root, "docs")].map(
      (file) => /** @type {const} */ ([file, passagesOfDocument])
    )
  ]
  return sources
    .filter(([file]) => fs.existsSync(path.join(root, file)))
    .flatMap(([file, read]) =>
      read(fs.readFileSync(path.join(root, file), "utf8"))
        .map(joined)
        .flatMap(findsOf)
        .map(({ excerpt, line, phrase }) => `${file}:${line} "${phrase}": ${excerpt}`)
    )
}

/**
 * Checks a tree. Returns the exit code and the text to print.
 *
 * @param {ReadonlyArray<string>} args
 */
export const main = ([root = repository]) => {
  const finds = check(root)
  return finds.length === 0
    ? { status: 0, output: "words: every sentence is plain" }
    : { status: 1, output: `${finds.join("\n")}\nwords: ${finds.length} finds` }
}

if (isEntryPoint(import.meta.url)) finish(main(process.argv.slice(2)))
