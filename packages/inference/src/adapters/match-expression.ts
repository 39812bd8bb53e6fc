import { messageOf } from '@cem/core'
import { matchAllWithin } from '../model/bounded-pattern.ts'

/**
 * The names that an expression of an adapter config matches, each with the text of its group `index`.
 *
 * @throws Error for an expression that cannot be read, or is not done in time
 */
export type MatchExpression = (expression: string) => ReadonlyMap<string, string | undefined>

/** A config has one expression or a few hundred short ones; none that is meant well takes half a second for all names. */
const limitInMs = 500
/** Python's anchors, which JavaScript would take for letters. */
const pythonAnchors = /(?<!\\)(?:\\\\)*\\[AZ]/

/**
 * Searches these names with expressions, each once.
 *
 * @param fail makes the error for a reason
 */
export function expressionMatcher(
  names: readonly string[],
  fail: (reason: string, cause?: unknown) => Error,
): MatchExpression {
  const known = new Map<string, ReadonlyMap<string, string | undefined>>()
  return (expression) => {
    const found = known.get(expression) ?? search(expression, names, fail)
    known.set(expression, found)
    return found
  }
}

function search(
  expression: string,
  names: readonly string[],
  fail: (reason: string, cause?: unknown) => Error,
): ReadonlyMap<string, string | undefined> {
  if (pythonAnchors.test(expression))
    throw fail(`'${expression}' holds \\A or \\Z, which cannot be read here: use ^ or $`)
  try {
    const matches = matchAllWithin(limitInMs, expression, 'g', names)
    const found = names.flatMap((name, i) => {
      const [first] = matches[i] ?? []
      return first === undefined ? [] : [[name, first.index] as const]
    })
    return new Map(found)
  } catch (error) {
    throw fail(messageOf(error), error)
  }
}
