/** Searches the sources for SQL that is built from texts, and for unsafe comparisons of secrets. */
import { fileURLToPath } from "node:url"
import ts from "typescript"
import { parse, typescriptFiles, walk } from "../../../scripts/lib/sources.mjs"

const root = fileURLToPath(new URL("../../../", import.meta.url))

/** The files of `src` with a node that satisfies the predicate. */
const filesWith = (has: (node: ts.Node) => boolean): ReadonlyArray<string> =>
  typescriptFiles(root, "src").filter((file) => {
    let found = false
    walk(parse(root, file), (node) => {
      found ||= has(node)
    })
    return found
  })

/** Files that build SQL from texts: a call of `unsafe` or `literal` whose argument is not one literal text. */
export const sqlFromTexts = (): ReadonlyArray<string> =>
  filesWith((node) => {
    if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return false
    const [argument] = node.arguments
    const isRaw =
      /^sql$/i.test(node.expression.expression.getText()) && /^(unsafe|literal)$/.test(node.expression.name.text)
    return isRaw && argument !== undefined && !ts.isStringLiteralLike(argument)
  })

const comparisons = new Set([
  ts.SyntaxKind.EqualsEqualsEqualsToken,
  ts.SyntaxKind.ExclamationEqualsEqualsToken,
  ts.SyntaxKind.EqualsEqualsToken,
  ts.SyntaxKind.ExclamationEqualsToken
])

/** Files that compare the text of a secret by `===`, which stops at the first difference. */
export const secretsComparedByText = (): ReadonlyArray<string> =>
  filesWith(
    (node) =>
      ts.isBinaryExpression(node) &&
      comparisons.has(node.operatorToken.kind) &&
      [node.left, node.right].every((side) => /Redacted\.value\(|(secret|password|mac|\btag)$/i.test(side.getText()))
  )
