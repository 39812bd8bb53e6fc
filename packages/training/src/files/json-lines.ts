import { createHash } from 'node:crypto'

export interface JsonLine {
  /** From 1. */
  readonly line: number
  /** Undefined where the line is no JSON. */
  readonly value: unknown
}

export interface JsonLines {
  /** Those that are not empty. */
  readonly lines: readonly JsonLine[]
  /** Of the bytes. */
  readonly sha256: string
}

/** The lines of a JSONL file. Undefined where its bytes are no UTF-8 text; a byte order mark is passed over. */
export function parseJsonLines(bytes: Uint8Array): JsonLines | undefined {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
  const lines = text
    .split('\n')
    .flatMap((line, i) => (line.trim() === '' ? [] : [{ line: i + 1, value: parsed(line) }]))
  return { lines, sha256: createHash('sha256').update(bytes).digest('hex') }
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
