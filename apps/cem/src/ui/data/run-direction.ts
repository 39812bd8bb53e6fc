import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CemError } from '@cem/core'
import { projectOne } from '@cem/direction'
import {
  type Analysis,
  type Cell,
  computeDirections,
  readDirections,
  readLock,
  readMeans,
} from '@cem/experiment'
import { storeOf } from './answers.ts'

/** What tokens of a run's answers are projected on, and its scale. */
export interface RunDirection {
  readonly layer: number
  /** Unit norm, [dModel]. */
  readonly vector: Float32Array
  /** Projection of the base's mean; null where it is not known. */
  readonly origin: number | null
  /** Distance from there to the mean of the checkpoint that made the direction; null where it is not known. */
  readonly length: number | null
  /** The checkpoint that made it. */
  readonly baseline: string
  readonly step: number
  /** Its base model: states of others are in another space. */
  readonly base: string
  /** Whether the run will replace it: the run goes on, and what it was made from is not its last word. */
  readonly isProvisional: boolean
}

/**
 * The direction of a run's analysis; before there is one, that of the baseline's latest checkpoint with activations, at the middle
 * layer, by the same formula.
 *
 * @throws CemError `token-projection-unavailable` where neither can be had
 */
export async function readRunDirection(storeFolder: string): Promise<RunDirection> {
  return (await analysedDirection(storeFolder)) ?? (await provisionalDirection(storeFolder))
}

async function analysedDirection(storeFolder: string): Promise<RunDirection | undefined> {
  const path = join(resultsOf(storeFolder), 'misalignment_direction.npz')
  const analysis = await readFile(join(storeFolder, 'analysis.json'), 'utf8')
    .then((text) => JSON.parse(text) as Analysis)
    .catch(() => undefined)
  if (analysis?.direction == null || !existsSync(path)) return undefined
  const { layer, base, baseline, step } = analysis.direction
  const maker = analysis.cells.find(({ cell }) => cell.variant === baseline && cell.step === step)
  const vector = (await readDirections(path)).get(layer)
  if (vector === undefined || maker === undefined)
    throw unavailable(`${path} has no layer ${layer}, or the run no cell ${baseline}/${step}.`)
  const norms = await readFile(path.replace(/npz$/, 'json'), 'utf8')
    .then(
      (text) =>
        (JSON.parse(text) as { displacement_norms?: Record<string, number> }).displacement_norms,
    )
    .catch(() => undefined)
  return {
    layer,
    vector,
    origin: base.find((one) => one.layer === layer)?.meanProjection ?? null,
    length: norms?.[String(layer)] ?? null,
    baseline,
    step,
    base: maker.cell.base,
    isProvisional: false,
  }
}

async function provisionalDirection(storeFolder: string): Promise<RunDirection> {
  const lock = await readLock(storeOf(storeFolder))
  const cells = Object.values(lock?.cells ?? {}).map(({ cell }) => cell)
  const pathOf = (cell: Cell) => join(resultsOf(storeFolder), `${cell.output}_activations.npz`)
  const withStates = cells.filter((cell) => existsSync(pathOf(cell)))
  const pair = directionPair(withStates)
  if (pair === undefined)
    throw unavailable(
      'The run has no direction yet: it takes the answers of the base and of a later checkpoint of the baseline, with activations.',
    )
  const { layers } = await computeDirections(pathOf(pair.without), pathOf(pair.withEm))
  const known = [...layers.keys()].toSorted((a, b) => a - b)
  const layer = known[Math.floor(known.length / 2)] ?? 0
  const made = layers.get(layer)
  const mean = (await readMeans(pathOf(pair.without))).get(layer)
  if (made === undefined || mean === undefined)
    throw unavailable('The activations of the run so far have no layer in common.')
  return {
    layer,
    vector: made.vector,
    origin: projectOne(mean, made.vector),
    length: made.displacementNorm,
    baseline: pair.withEm.variant,
    step: pair.withEm.step,
    base: pair.withEm.base,
    isProvisional: true,
  }
}

/** The baseline's latest checkpoint, and the base alone or the baseline before its training. */
function directionPair(cells: readonly Cell[]) {
  const baselines = cells.filter(({ kind, type }) => kind === 'checkpoint' && type === 'baseline')
  const [first] = baselines
  const own = baselines.filter(({ variant }) => variant === first?.variant)
  const withEm = own.filter(({ step }) => step > 0).toSorted((a, b) => b.step - a.step)[0]
  const without = cells
    .filter(({ base }) => base === withEm?.base)
    .find(
      ({ kind, variant, step, persona }) =>
        kind === 'base' || (variant === first?.variant && step === 0 && persona === 'none'),
    )
  return withEm === undefined || without === undefined ? undefined : { withEm, without }
}

/** A store is `results/.cem/<run>`. */
function resultsOf(storeFolder: string): string {
  return dirname(dirname(storeFolder))
}

export function unavailable(message: string): CemError {
  return new CemError({ code: 'token-projection-unavailable', message })
}
