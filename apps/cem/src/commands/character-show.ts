import { basename, resolve } from 'node:path'
import { CemError } from '@cem/core'
import { type PairRow, readCharacterPairs } from '@cem/training'
import { exitCodes } from '../exit-codes.ts'
import { pairLines, pairTitle } from '../pairs/pair-lines.ts'
import { themeOf, wantsScreen } from '../terminal-kind.ts'

export interface ShowPairsFlags {
  readonly page?: number
  readonly perPage?: number
  readonly kept?: boolean
  readonly leftOut?: boolean
  readonly reason?: string
  /** From 1. */
  readonly trait?: number
  readonly width?: number
  readonly plain?: boolean
  readonly theme?: string
  readonly json?: boolean
}

/** `cem character show FOLDER`: on a terminal a screen, else lines. */
export async function showPairs(folder: string, flags: ShowPairsFlags): Promise<number> {
  const { kept, leftOut, reason, trait, page, perPage } = flags
  const status = kept === true ? 'kept' : leftOut === true ? 'left-out' : undefined
  const traitIndex = trait === undefined ? undefined : trait - 1
  const pairs = await readCharacterPairs(folder, { status, reason, trait: traitIndex })
  if (page === undefined && perPage === undefined && wantsScreen(flags)) {
    const { showPairsScreen } = await import('../pairs/show-pairs-screen.tsx')
    const theme = await themeOf(flags.theme)
    await showPairsScreen({ name: basename(resolve(folder)), pairs, theme })
  } else for (const line of pageLines(pairs, flags)) process.stdout.write(`${line}\n`)
  return exitCodes.complete
}

function pageLines(pairs: readonly PairRow[], flags: ShowPairsFlags): string[] {
  const { page = 1, perPage = 5, json = false } = flags
  const nPages = Math.max(1, Math.ceil(pairs.length / perPage))
  if (page > nPages)
    throw new CemError({
      code: 'usage',
      message: `There is no page ${page}: ${pairs.length} pairs make ${nPages}.`,
      data: { page, nPages },
    })
  const first = (page - 1) * perPage
  const shown = pairs.slice(first, first + perPage)
  if (json) return shown.map((pair) => JSON.stringify(pair))
  const width = flags.width ?? process.stdout.columns ?? 100
  const next = page < nPages ? `; --page ${page + 1} is the next` : ''
  return [
    ...shown.flatMap((pair, i) =>
      plainPairLines(pair, `${first + i + 1} of ${pairs.length}`, width),
    ),
    pairs.length === 0 ? 'no pairs' : `page ${page} of ${nPages}${next}`,
  ]
}

/** A pair in lines of text, its answers side by side. */
export function plainPairLines(pair: PairRow, place: string, width: number): string[] {
  const { about, fate } = pairTitle(pair)
  const lines = pairLines(pair, { width }).map((line) =>
    line
      .map(({ text }) => text)
      .join('')
      .trimEnd(),
  )
  return [`pair ${place}, ${about}: ${fate}`, ...lines, '']
}
