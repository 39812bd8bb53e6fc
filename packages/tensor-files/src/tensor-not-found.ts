import { CemError, nearest } from '@cem/core'
import { quote } from './names.ts'

/** The error for a name that a file does not hold; says which names it has, or the nearest one. */
export function tensorNotFound(
  path: string,
  name: string,
  tensors: ReadonlyMap<string, unknown>,
): CemError {
  const known = [...tensors.keys()]
  const close = nearest(name, searchable(name, known))
  const some = known.slice(0, 8).map(quote).join(', ')
  const list = `It has ${known.length}${some && `: ${some}`}${known.length > 8 ? ', ...' : ''}.`
  return new CemError({
    code: 'tensor-not-found',
    message: `${path} has no tensor ${quote(name)}. ${close === undefined ? list : `Did you mean ${quote(close)}?`}`,
    data: { path, name, nearest: close },
  })
}

/** Bounds the search for a near name: a hostile file may hold a million long ones. */
function searchable(name: string, known: readonly string[]): readonly string[] {
  if (name.length > 200) return []
  return known.filter((other) => Math.abs(other.length - name.length) <= 2).slice(0, 2000)
}
