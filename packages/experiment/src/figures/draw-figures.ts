import { join } from 'node:path'
import { writeFileAtomic } from '@cem/core'
import { pngOf, renderSvg, type StyledRow, type VariantStyles, variantStyles } from '@cem/plots'
import { labelRows } from '../analysis/cell-metrics.ts'
import type { Analysis } from '../run/analyse.ts'
import { readLock } from '../store/lock.ts'
import type { RunStore } from '../store/run-store.ts'
import { readJudged } from '../store/verdicts.ts'
import { answerFigures } from './answer-figures.ts'
import { causalFigure } from './causal-figure.ts'
import { curveFigures } from './curve-figures.ts'
import { directionFigures } from './direction-figures.ts'
import { forestFigures } from './forest-figures.ts'
import { loraFigure } from './lora-figure.ts'
import {
  type FigureKind,
  type FigureLook,
  type FigureSource,
  figureKinds,
  type RunFigure,
} from './run-figure.ts'

export interface RunFiguresOptions {
  readonly resultsFolder: string
  readonly store: RunStore
  readonly analysis: Omit<Analysis, 'files'>
  readonly look?: FigureLook | undefined
  /** @default all */
  readonly kinds?: readonly FigureKind[] | undefined
}

/** Every figure that the results of a run have the data for. No model and no judge is called. */
export async function runFigures({
  resultsFolder,
  store,
  analysis,
  look,
  kinds = figureKinds,
}: RunFiguresOptions): Promise<RunFigure[]> {
  const source: FigureSource = {
    resultsFolder,
    analysis,
    lock: await readLock(store),
    isNamed: kinds !== figureKinds,
    rowsOf: async (cell) =>
      labelRows((await readJudged(store, cell.id)) ?? [], analysis.thresholds),
    styles: stylesOf(analysis),
    look,
  }
  const isWanted = ({ kind }: { readonly kind: FigureKind }) => kinds.includes(kind)
  const groups = makers.filter(({ makes }) => makes.some((kind) => kinds.includes(kind)))
  const figures: RunFigure[] = []
  for (const { make } of groups) figures.push(...(await make(source)).filter(isWanted))
  return figures
}

/** What is drawn together, from the same data. */
const makers: readonly {
  readonly makes: readonly FigureKind[]
  readonly make: (source: FigureSource) => RunFigure[] | Promise<RunFigure[]>
}[] = [
  { makes: ['curves', 'in-domain', 'projections'], make: curveFigures },
  { makes: ['forest', 'projection-forest'], make: forestFigures },
  { makes: ['answers', 'questions'], make: answerFigures },
  { makes: ['similarity', 'components'], make: directionFigures },
  { makes: ['lora'], make: loraFigure },
  { makes: ['steering'], make: causalFigure },
]

/**
 * Writes figures into a folder: `.png`, `.svg` and the Vega-Lite spec as `.vl.json`.
 *
 * @returns the paths
 */
export async function writeFigures(
  folder: string,
  figures: readonly Pick<RunFigure, 'name' | 'spec'>[],
): Promise<string[]> {
  const files: string[] = []
  for (const { name, spec } of figures) {
    const path = join(folder, name)
    const svg = await renderSvg(spec)
    await writeFileAtomic(`${path}.svg`, svg)
    await writeFileAtomic(`${path}.png`, await pngOf(svg))
    await writeFileAtomic(`${path}.vl.json`, `${JSON.stringify(spec)}\n`)
    files.push(`${path}.png`, `${path}.svg`, `${path}.vl.json`)
  }
  return files
}

/** One look per variant in all figures; a condition of the comparisons looks like the first of its variants. */
function stylesOf(analysis: Omit<Analysis, 'files'>): VariantStyles {
  const checkpoints = analysis.cells.filter(({ cell }) => cell.kind === 'checkpoint')
  const rows: StyledRow[] = checkpoints.map(({ cell }) => ({
    variant: cell.variant,
    condition: cell.condition,
  }))
  const styles = new Map(variantStyles(rows))
  const conditions = [...analysis.comparisons, ...(analysis.matchedComparisons ?? [])]
  for (const { condition } of conditions) {
    const like = checkpoints.find(({ cell }) => cell.condition === condition)?.cell.variant
    const style = like === undefined ? undefined : styles.get(like)
    if (!styles.has(condition) && style !== undefined)
      styles.set(condition, { ...style, variant: condition })
  }
  for (const { condition } of conditions)
    if (!styles.has(condition)) {
      const [style] = variantStyles([{ variant: condition }]).values()
      if (style !== undefined) styles.set(condition, style)
    }
  return styles
}
