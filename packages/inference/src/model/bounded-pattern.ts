import { type Context, createContext, Script } from 'node:vm'

/** Where a pattern matches: [start, end) in UTF-16 units, and its group `index`. */
export interface PatternMatch {
  readonly start: number
  readonly end: number
  readonly index: string | undefined
}

// Runs in a context of its own, since only there can a search be stopped from outside.
const search = new Script(`texts.map((text) => {
  const found = []
  for (const match of text.matchAll(new RegExp(source, flags)))
    found.push(match.index, match.index + match[0].length, match.groups?.index)
  return found
})`)
let context: Context | undefined
/** Characters of an expression that a message repeats. */
const shown = 200

/**
 * All matches of a regular expression that comes from a file, for each text. An expression can be written so that a search takes
 * longer than the universe is old; this one is given up.
 *
 * @param flags with `g`
 * @throws Error for an expression that cannot be read, or is not done in time
 */
export function matchAllWithin(
  limitInMs: number,
  source: string,
  flags: string,
  texts: readonly string[],
): readonly (readonly PatternMatch[])[] {
  context ??= createContext(Object.create(null))
  Object.assign(context, { source, flags, texts })
  try {
    const all = search.runInContext(context, { timeout: limitInMs }) as unknown[][]
    return all.map((found) =>
      Array.from({ length: found.length / 3 }, (_, i) => ({
        start: found[3 * i] as number,
        end: found[3 * i + 1] as number,
        index: found[3 * i + 2] as string | undefined,
      })),
    )
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT')
      throw new Error(
        `the regular expression '${source.slice(0, shown)}' was not done after ${limitInMs} ms: it tries too many ways to match`,
        { cause: error },
      )
    throw new Error(`'${source.slice(0, shown)}' is no regular expression that can be read here`, {
      cause: error,
    })
  }
}
