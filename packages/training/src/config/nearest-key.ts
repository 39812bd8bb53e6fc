import { nearest } from '@cem/core'

/**
 * What an unknown key was probably meant to be: the same letters in another case or style (`max_new_tokens`), the nearest one where it
 * stands, or a key of that name elsewhere in the config, with its path.
 *
 * @param allowed keys of the object that it stands in
 * @param everywhere paths of all keys of a config, `sampling.seed`
 */
export function nearestKey(
  key: string,
  allowed: readonly string[],
  everywhere: readonly string[],
): string | undefined {
  const same = allowed.find((other) => letters(other) === letters(key))
  if (same !== undefined) return same
  const near = nearest(key, allowed)
  if (near !== undefined) return near
  return everywhere.find((path) => letters(path.split('.').at(-1) ?? '') === letters(key))
}

function letters(key: string): string {
  return key.toLowerCase().replaceAll(/[_-]/g, '')
}
