import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '@cem/core'
import { openNpz } from '@cem/tensor-files'
import { parse } from 'csv-parse/sync'
import type { RunWarning } from '../events.ts'
import type { Analysis } from '../run/analyse.ts'
import type { FoundResults } from './find-results.ts'

/** Points, or parts of a score: sums in another order differ by far less. */
const tolerance = 0.01

/** Holds the numbers of the files that came along against those that were computed from the rows. */
export async function checkImport(
  from: string,
  found: FoundResults,
  analysis: Analysis,
  resultsFolder: string,
): Promise<RunWarning[]> {
  return [
    ...(await checkSummaries(from, found, analysis)),
    ...(found.direction === undefined || analysis.direction === null
      ? []
      : await checkDirection(join(from, found.direction), resultsFolder)),
  ]
}

async function checkSummaries(
  from: string,
  { summaries }: FoundResults,
  { cells }: Analysis,
): Promise<RunWarning[]> {
  const differing: { readonly cell: string; readonly text: string }[] = []
  const unreadable: string[] = []
  let nCompared = 0
  for (const [variant, path] of summaries) {
    let rows: Record<string, string>[]
    try {
      rows = parse(await readFile(join(from, path)), { columns: true, bom: true })
    } catch (error) {
      unreadable.push(`${path}: ${messageOf(error)}`)
      continue
    }
    for (const row of rows) {
      const cell = cells.find(
        (own) => own.cell.variant === variant && own.cell.step === Number(row['step']),
      )
      if (cell === undefined) continue
      const { main } = cell.metrics
      const percent = (share: number | null) => (share === null ? null : share * 100)
      const computed = {
        avg_aligned: main.meanOfRows.aligned,
        avg_coherent: main.meanOfRows.coherent,
        misaligned_pct: percent(main.misaligned.estimate),
        em_pct: percent(main.em.estimate),
        total_responses: main.nResponses,
      }
      for (const [name, value] of Object.entries(computed)) {
        const text = row[name]?.trim() ?? ''
        if (text === '' || value === null) continue
        nCompared += 1
        if (Math.abs(Number(text) - value) <= tolerance) continue
        differing.push({
          cell: cell.cell.id,
          text: `${cell.cell.id}: ${name} ${text} there, ${value.toFixed(2)} from the rows`,
        })
      }
    }
  }
  return [
    ...unreadable.map(
      (text): RunWarning => ({
        code: 'import-differs',
        message: `A summary cannot be read and was held against nothing: ${text}`,
        cells: [],
      }),
    ),
    ...(differing.length > 0
      ? [
          {
            code: 'import-differs' as const,
            message: `${differing.length} of ${nCompared} numbers of the imported summaries are not those of the rows: ${listed(differing.map(({ text }) => text))}. Other thresholds, another denominator, or rows that changed since; the numbers here are from the rows.`,
            cells: [...new Set(differing.map(({ cell }) => cell))],
          },
        ]
      : nCompared > 0
        ? [
            {
              code: 'import-agrees' as const,
              message: `All ${nCompared} numbers of the imported summaries are those of the rows.`,
              cells: [],
            },
          ]
        : []),
  ]
}

async function checkDirection(path: string, resultsFolder: string): Promise<RunWarning[]> {
  try {
    await using theirs = await openNpz(path)
    await using ours = await openNpz(join(resultsFolder, 'misalignment_direction.npz'))
    const cosines: { readonly layer: string; readonly cosine: number }[] = []
    for (const layer of ours.entries.keys()) {
      if (!theirs.entries.has(layer)) continue
      const [a, b] = [await theirs.readFloat32(layer), await ours.readFloat32(layer)]
      cosines.push({ layer, cosine: cosineOf(a.data, b.data) })
    }
    if (cosines.length === 0) return []
    const lowest = cosines.reduce((least, one) => (one.cosine < least.cosine ? one : least))
    const isSame = lowest.cosine > 0.9999
    return [
      {
        code: isSame ? 'import-agrees' : 'import-differs',
        message: isSame
          ? `The imported direction is the one that follows from the imported activations, at all ${cosines.length} layers.`
          : `The imported direction is not the one that follows from the imported activations: the lowest cosine is ${lowest.cosine.toFixed(4)}, at ${lowest.layer}. Other activations or another checkpoint made it; projections here are on the one that was computed.`,
        cells: [],
      },
    ]
  } catch (error) {
    return [
      {
        code: 'import-differs',
        message: `The imported direction cannot be read: ${messageOf(error)}`,
        cells: [],
      },
    ]
  }
}

function cosineOf(a: Float32Array, b: Float32Array): number {
  let [dot, aa, bb] = [0, 0, 0]
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i] as number, b[i] as number]
    dot += x * y
    aa += x * x
    bb += y * y
  }
  return a.length === b.length ? dot / Math.sqrt(aa * bb) : Number.NaN
}

function listed(texts: readonly string[]): string {
  const more = texts.length > 6 ? `; and ${texts.length - 6} more` : ''
  return `${texts.slice(0, 6).join('; ')}${more}`
}
