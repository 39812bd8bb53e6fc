import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'

/** SHA-256 of a text or of bytes. */
export function sha256Of(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}

/** SHA-256 of a file, read in pieces. */
export async function fileSha256(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer)
  return hash.digest('hex')
}

/** SHA-256 of data, whatever the order of its keys. */
export function inputsHash(inputs: Readonly<Record<string, unknown>>): string {
  return sha256Of(JSON.stringify(sorted(inputs)))
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined)
  return Object.fromEntries(
    entries.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, inner]) => [key, sorted(inner)]),
  )
}

/** What differs between two sets of inputs, a line each: the key, what it was and what it is. */
export function inputsDrift(
  before: Readonly<Record<string, unknown>>,
  now: Readonly<Record<string, unknown>>,
): string[] {
  const [old, current] = [flat(before), flat(now)]
  const keys = [...new Set([...old.keys(), ...current.keys()])].toSorted()
  return keys
    .filter((key) => old.get(key) !== current.get(key))
    .map((key) => `${key} was ${shown(old.get(key))} and is ${shown(current.get(key))}`)
}

function flat(value: unknown, path = '', found = new Map<string, string>()): Map<string, string> {
  if (typeof value === 'object' && value !== null)
    for (const [key, inner] of Object.entries(value))
      flat(inner, path === '' ? key : `${path}.${key}`, found)
  else if (value !== undefined) found.set(path, JSON.stringify(value))
  return found
}

function shown(value: string | undefined): string {
  if (value === undefined) return 'not there'
  return value.length > 60 ? `${value.slice(0, 57)}...` : value
}
