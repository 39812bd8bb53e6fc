import { quote } from './names.ts'
import type { NpyFail } from './npy-header.ts'

/** The three facts of an npy header, as they are written there. */
export interface NpyDict {
  readonly descr: string
  readonly fortranOrder: boolean
  readonly shape: readonly number[]
}

const patterns = {
  descr: /'([^'\\\n]*)'|"([^"\\\n]*)"/y,
  fortran_order: /True|False/y,
  // (), (3,), (3, 4) and (3, 4,); a minus sign and a fraction pass here so that the shape check can name them.
  shape: /\(\s*(?:-?\d+(?:\.\d+)?\s*,\s*)*(?:-?\d+(?:\.\d+)?\s*)?\)/y,
} as const
type Key = keyof typeof patterns

/**
 * Parses the one kind of Python dictionary that npy headers hold: `descr` a string, `fortran_order` a truth value, `shape`
 * a tuple of whole numbers, each once, in any order, and nothing else.
 */
export function parseNpyDict(text: string, fail: NpyFail): NpyDict {
  let at = 0
  const match = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = at
    const found = pattern.exec(text) ?? undefined
    if (found) at += found[0].length
    return found
  }
  const unexpected = (wanted: string) =>
    fail(
      'npy-invalid',
      `its header has ${quote(text.slice(at, at + 20))} at character ${at}, where ${wanted} is expected`,
    )
  const expect = (pattern: RegExp, wanted: string) => {
    const found = match(pattern)
    if (!found) throw unexpected(wanted)
    return found
  }
  const values = new Map<Key, string>()
  expect(/\s*\{\s*/y, '{')
  while (!match(/\}\s*$/y)) {
    const [, key = ''] = expect(/['"](\w+)['"]\s*:\s*/y, "'descr', 'fortran_order' or 'shape'")
    if (!isKey(key)) throw fail('npy-invalid', `its header has the unknown key ${quote(key)}`)
    if (values.has(key)) throw fail('npy-invalid', `its header has the key '${key}' twice`)
    if (key === 'descr' && match(/(?=[[(])/y))
      throw fail(
        'npy-unsupported',
        'it is a structured array. Save its fields one by one from numpy',
      )
    const [whole, single, double] = expect(patterns[key], `a value for '${key}'`)
    values.set(key, key === 'descr' ? (single ?? double ?? '') : whole)
    if (match(/\s*,\s*/y)) continue
    match(/\s*/y)
    if (text[at] !== '}') throw unexpected(', or }')
  }
  const missing = (Object.keys(patterns) as Key[]).find((key) => !values.has(key))
  if (missing) throw fail('npy-invalid', `its header lacks '${missing}'`)
  return {
    descr: values.get('descr') ?? '',
    fortranOrder: values.get('fortran_order') === 'True',
    shape: readTuple(values.get('shape') ?? '', fail),
  }
}

function isKey(key: string): key is Key {
  return Object.hasOwn(patterns, key)
}

function readTuple(tuple: string, fail: NpyFail): readonly number[] {
  const inner = tuple.slice(1, -1).trim()
  if (inner === '') return []
  const items = inner.replace(/,$/, '').split(',')
  // In Python, (3) is the number 3 and no tuple.
  if (items.length === 1 && !inner.endsWith(','))
    throw fail('npy-invalid', `its shape ${quote(tuple)} is not a tuple`)
  return items.map(Number)
}
