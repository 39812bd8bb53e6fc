import { CemError, messageOf } from '@cem/core'
import { type Document, isAlias, isCollection, isPair, LineCounter, parseDocument } from 'yaml'

/** Aliases are resolved by search, so their number bounds the work. */
const mostAliases = 10_000
/** Nodes after aliases and merges are written out: a small file can stand for billions. */
const mostNodes = 1_000_000

/**
 * Plain data of a YAML text: one document, YAML 1.2 with merge keys (`<<`), unique keys, no unknown tags, and of bounded
 * size once its aliases are written out.
 *
 * @throws CemError `bad-yaml`
 */
export function loadYaml(text: string, file: string): unknown {
  const fail = (what: string): never => {
    throw new CemError({
      code: 'bad-yaml',
      message: `${file} is not YAML that can be read: ${what}`,
      data: { file },
    })
  }
  try {
    const document = parseDocument(text, { merge: true, lineCounter: new LineCounter() })
    const [problem] = [...document.errors, ...document.warnings]
    if (problem) return fail(isTooDeep(problem) ? 'it is nested too deep' : problem.message.trim())
    const excess = excessOf(document)
    if (excess) return fail(excess)
    return document.toJS({ maxAliasCount: -1 })
  } catch (error) {
    if (CemError.isInstance(error)) throw error
    return fail(isTooDeep(error) ? 'it is nested too deep' : messageOf(error))
  }
}

/** The parser is recursive, and reports the overflow of the stack as a fault of the text. */
function isTooDeep(error: unknown): boolean {
  return messageOf(error).startsWith('Maximum call stack size exceeded')
}

/** What makes the document too large to write out, or undefined. Anchors count as aliases see them: the latest before. */
function excessOf(document: Document): string | undefined {
  const sizes = new Map<string, number>()
  let aliases = 0
  let problem: string | undefined
  const sizeOf = (node: unknown): number => {
    if (problem !== undefined) return 0
    if (isAlias(node)) {
      if (++aliases > mostAliases) problem = `it has more than ${mostAliases} aliases`
      const size = sizes.get(node.source)
      if (size === undefined)
        problem ??= `the alias *${node.source} has no anchor before it, or lies within it`
      return size ?? 0
    }
    if (isPair(node)) return sizeOf(node.key) + sizeOf(node.value)
    if (!isCollection(node)) return remember(node, 1)
    if (node.anchor) sizes.delete(node.anchor)
    const size = node.items.reduce<number>((total, item) => total + sizeOf(item), 1)
    if (size > mostNodes) problem ??= `its aliases stand for more than ${mostNodes} values`
    return remember(node, size)
  }
  const remember = (node: unknown, size: number) => {
    const { anchor } = (node ?? {}) as { anchor?: string }
    if (anchor) sizes.set(anchor, size)
    return size
  }
  sizeOf(document.contents)
  return problem
}
