/** Longer than any module path of a real model; bounds messages and searches. */
const maxNameLength = 1000

/** Controls, lone surrogates, line separators and marks that reorder text: nothing that a terminal should be sent. */
const harmful = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u

/** Why a tensor's name is refused, or `undefined`. */
export function nameProblem(name: string): string | undefined {
  if (name === '') return 'is empty'
  if (name.length > maxNameLength)
    return `is ${name.length} characters long; at most ${maxNameLength} are allowed`
  if (harmful.test(name)) return 'holds control characters, or marks that reorder text'
  return undefined
}

/** Why a name cannot be that of a file in a given folder, or `undefined`. */
export function fileNameProblem(name: string): string | undefined {
  if (/[/\\]|^[a-zA-Z]:/.test(name)) return 'is a path, not the name of a file in the folder'
  if (name === '.' || name === '..') return 'names a folder'
  return nameProblem(name)
}

/** A name in quotes, cut to 100 characters, with everything unprintable escaped: fit for a message. */
export function quote(name: string): string {
  const cut = name.length > 100 ? `${name.slice(0, 100)}...` : name
  return JSON.stringify(cut).replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (c) => `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`,
  )
}
