import { createHash } from 'node:crypto'
import { CemError } from '@cem/core'
import { type ChatRequest, chatBody } from '../chat-request.ts'

/** A request with the caller's name for it. */
export interface BatchItem {
  /** Not empty, and of one item only; the server keeps it as `custom_id`. */
  readonly id: string
  readonly request: ChatRequest
}

export interface PlanOptions {
  readonly model: string
  /** The path that each line names. */
  readonly endpoint: string
  readonly maxRequestsPerBatch: number
  readonly maxBytesPerBatch: number
}

/** Consecutive items that go into one file. */
export interface PlannedPart {
  readonly items: readonly BatchItem[]
  readonly sizeBytes: number
  readonly sha256: string
}

/**
 * Splits items, in their order, into files that a server takes.
 *
 * @throws CemError `bad-batch-items`, `batch-request-too-large`, `bad-chat-request`
 */
export function planParts(items: readonly BatchItem[], options: PlanOptions): PlannedPart[] {
  checkIds(items)
  const { maxRequestsPerBatch, maxBytesPerBatch } = options
  const parts: PlannedPart[] = []
  let start = 0
  let sizeBytes = 0
  let hash = createHash('sha256')
  const close = (end: number) => {
    parts.push({ items: items.slice(start, end), sizeBytes, sha256: hash.digest('hex') })
    start = end
    sizeBytes = 0
    hash = createHash('sha256')
  }
  for (const [at, item] of items.entries()) {
    const line = lineOf(item, options)
    const bytes = Buffer.byteLength(line)
    if (bytes > maxBytesPerBatch) throw tooLarge(item.id, bytes, maxBytesPerBatch)
    if (at - start === maxRequestsPerBatch || sizeBytes + bytes > maxBytesPerBatch) close(at)
    sizeBytes += bytes
    hash.update(line)
  }
  close(items.length)
  return parts
}

/** The part's file: JSON Lines. */
export function fileOf({ items }: PlannedPart, options: PlanOptions): Blob {
  return new Blob(items.map((item) => lineOf(item, options)))
}

function lineOf({ id, request }: BatchItem, { model, endpoint }: PlanOptions): string {
  const body = chatBody(model, request)
  return `${JSON.stringify({ custom_id: id, method: 'POST', url: endpoint, body })}\n`
}

function checkIds(items: readonly BatchItem[]): void {
  if (items.length === 0) throw badItems('there is none')
  const seen = new Set<string>()
  for (const { id } of items) {
    if (typeof id !== 'string' || id === '')
      throw badItems(`the id ${JSON.stringify(id)} is no text`)
    if (seen.has(id)) throw badItems(`the id ${JSON.stringify(id)} is there twice`)
    seen.add(id)
  }
}

function badItems(reason: string): CemError {
  return new CemError({
    code: 'bad-batch-items',
    message: `The items cannot be submitted as a batch: ${reason}. Give each request an id of its own.`,
  })
}

function tooLarge(id: string, bytes: number, most: number): CemError {
  return new CemError({
    code: 'batch-request-too-large',
    message: `The request ${JSON.stringify(id)} takes ${bytes} bytes, and a file may have ${most}. Shorten it.`,
    data: { id, bytes, most },
  })
}
