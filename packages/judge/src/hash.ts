import { createHash } from 'node:crypto'

/** SHA-256 of a text's UTF-8, in hexadecimal. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** SHA-256 of plain data, whatever the order of its objects' keys. */
export function hashOf(data: unknown): string {
  return sha256(JSON.stringify(data, (_key, value: unknown) => sortKeys(value)))
}

function sortKeys(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
