import { CemError } from '@cem/core'
import type { Architecture } from '../families/architecture.ts'
import { estimateMemory, type MemoryRequest } from './estimate-memory.ts'

/** A batch that was made smaller than it was asked to be. */
export interface BatchSplit {
  readonly requested: number
  readonly used: number
  /** Bytes that the batch as asked for would add. */
  readonly neededBytes: number
  readonly availableBytes: number
}

/** What a batch may take of the memory that is there: estimates err, and other processes grow. */
const shareWhenAsked = 0.9
const shareByDefault = 0.5
const largestDefault = 64

/** A batch of one row takes the memory of two. */
const smallestBatch = 2

/**
 * How many answers can be in progress at once: as asked for where it fits into the available memory, else the most that fit;
 * without a wish, at most 64 in half of it.
 *
 * @throws CemError `memory-insufficient` where not even two rows fit
 */
export function fitBatch(
  architecture: Architecture,
  request: MemoryRequest,
  availableBytes: number,
): { readonly batch: number; readonly split: BatchSplit | null } {
  const needed = (batch: number) => estimateMemory(architecture, { ...request, batch }).generation
  const { batch: requested } = request
  if (needed(smallestBatch) > availableBytes * shareWhenAsked)
    throw insufficient(
      `Generating sequences of ${request.positions} tokens takes about ${gibibytes(needed(smallestBatch))} even two at a time`,
      needed(smallestBatch),
      availableBytes,
      'lower maxNewTokens, shorten the prompts, or close other programs',
    )
  const room = availableBytes * (requested === undefined ? shareByDefault : shareWhenAsked)
  const most = requested ?? largestDefault
  if (needed(most) <= room) return { batch: most, split: null }
  // Rows add the same each.
  const perRow = needed(smallestBatch + 1) - needed(smallestBatch)
  const extra = Math.max(0, Math.floor((room - needed(smallestBatch)) / perRow))
  const batch = Math.min(most, smallestBatch + extra)
  const split =
    requested === undefined
      ? null
      : { requested, used: batch, neededBytes: needed(requested), availableBytes }
  return { batch, split }
}

/**
 * Refuses to load what does not fit.
 *
 * @throws CemError `memory-insufficient`
 */
export function checkLoad(
  architecture: Architecture,
  request: MemoryRequest,
  availableBytes: number,
): void {
  const { loadPeak } = estimateMemory(architecture, request)
  const { generation } = estimateMemory(architecture, { ...request, batch: smallestBatch })
  const { loaded } = estimateMemory(architecture, request)
  const needed = Math.max(loadPeak, loaded + generation)
  if (needed <= availableBytes) return
  const int8 = estimateMemory(architecture, { ...request, precision: 'int8' }).loadPeak
  const other =
    request.precision === 'int8' ? '' : `use precision int8 (about ${gibibytes(int8)}), `
  throw insufficient(
    `Loading the model in ${request.precision ?? 'f32'} takes about ${gibibytes(needed)}`,
    needed,
    availableBytes,
    `${other}close other programs, raise the container's limit, or take a machine with more memory`,
  )
}

function insufficient(
  what: string,
  neededBytes: number,
  availableBytes: number,
  advice: string,
): CemError {
  return new CemError({
    code: 'memory-insufficient',
    message: `${what}, and ${gibibytes(availableBytes)} are available: ${advice}.`,
    data: { neededBytes, availableBytes },
  })
}

function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(2)} GiB`
}
