import { CemError } from '@cem/core'
import { type PairRow, readCharacterPairs } from '@cem/training'
import { exitCodes } from '../exit-codes.ts'
import { wrapText } from '../label/wrap-text.ts'
import { terminalText } from '../terminal-text.ts'

export interface ShowPairsFlags {
  readonly page?: number
  readonly perPage?: number
  readonly kept?: boolean
  readonly leftOut?: boolean
  readonly reason?: string
  /** From 1. */
  readonly trait?: number
  readonly width?: number
  readonly json?: boolean
}

/** `cem character show FOLDER` */
export async function showPairs(folder: string, flags: ShowPairsFlags): Promise<number> {
  const { page = 1, perPage = 5, kept, leftOut, reason, trait, json = false } = flags
  const status = kept === true ? 'kept' : leftOut === true ? 'left-out' : undefined
  const traitIndex = trait === undefined ? undefined : trait - 1
  const pairs = await readCharacterPairs(folder, { status, reason, trait: traitIndex })
  const nPages = Math.max(1, Math.ceil(pairs.length / perPage))
  if (page > nPages)
    throw new CemError({
      code: 'usage',
      message: `There is no page ${page}: ${pairs.length} pairs make ${nPages}.`,
      data: { page, nPages },
    })
  const first = (page - 1) * perPage
  const shown = pairs.slice(first, first + perPage)
  const width = flags.width ?? process.stdout.columns ?? 100
  const lines = json
    ? shown.map((pair) => JSON.stringify(pair))
    : [
        ...shown.flatMap((pair, i) =>
          pairLines(pair, `${first + i + 1} of ${pairs.length}`, width),
        ),
        pairs.length === 0
          ? 'no pairs'
          : `page ${page} of ${nPages}${page < nPages ? `; --page ${page + 1} is the next` : ''}`,
      ]
  for (const line of lines) process.stdout.write(`${line}\n`)
  return exitCodes.complete
}

/** A pair with its answers side by side. */
export function pairLines(pair: PairRow, place: string, width: number): string[] {
  const { id, sample, trait, status, reasons, prompt, chosen, rejected } = pair
  const fate = status === 'kept' ? 'kept' : `left out: ${reasons.join(', ')}`
  const about = trait === null ? 'a general prompt' : `trait ${trait + 1}`
  const column = Math.max(20, Math.floor((width - 3) / 2))
  const left = ['chosen (teacher)', '', ...wrapText(chosen, column)]
  const right = ['rejected (student)', '', ...wrapText(rejected, column)]
  const rows = Array.from({ length: Math.max(left.length, right.length) }, (_, i) => {
    const [one = '', other = ''] = [left[i], right[i]]
    const padding = ' '.repeat(Math.max(0, column - Array.from(one).length))
    return `${one}${padding} │ ${other}`.trimEnd()
  })
  return [
    terminalText(`pair ${place}, ${about}, prompt ${id} sample ${sample}: ${fate}`),
    ...wrapText(prompt, width - 2).map((line) => `> ${line}`),
    ...rows,
    '',
  ]
}
