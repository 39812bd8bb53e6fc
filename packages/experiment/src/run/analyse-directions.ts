import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { CemError, messageOf, writeFileAtomic } from '@cem/core'
import {
  type Absent,
  type BaselineRun,
  type ContrastRows,
  type Direction,
  type DirectionControls,
  isAbsent,
  type LayerChoice,
  makeDirection,
  meanActivation,
  type OtherRuns,
  projectOtherRuns,
  type QuestionRows,
} from '@cem/direction'
import type { LabelledRow } from '../analysis/cell-metrics.ts'
import { baselineVariant } from '../analysis/contrasts.ts'
import {
  type DirectionChecks,
  directionChecks,
  layerChoiceOf,
  pickRows,
  readSet,
} from '../analysis/direction-checks.ts'
import { embeddingMeans } from '../analysis/embedding-means.ts'
import { type CellProjection, projectCell, readMeans } from '../analysis/projections.ts'
import { type VariantResistance, variantResistance } from '../analysis/variant-resistance.ts'
import { originOf } from '../causal/causal-direction.ts'
import type { RunWarning } from '../events.ts'
import { computeDirections, type DirectionSet, writeDirections } from '../files/direction-file.ts'
import { writeProjections } from '../files/projections-file.ts'
import type { Cell } from '../plan/cell.ts'
import { plannedRows } from '../plan/question-sets.ts'
import { readCompletions, rowKey } from '../store/completions.ts'
import type { RunContext } from './context.ts'

export interface DirectionSummary {
  readonly baseline: string
  readonly step: number
  readonly layer: number
  readonly base: readonly CellProjection[]
  readonly note: string
  /** Contrast, method and layer; null where the checks were left out. */
  readonly name: string | null
  /** How the layer was chosen, with the AUROC on held-out questions beside that of a bag of embeddings. */
  readonly layerChoice: LayerChoice | Absent
  /**
   * Misaligned against other answers of the baseline's checkpoint, told apart by directions that were made from answers to other
   * questions: the weights are the same on both sides.
   */
  readonly withinCheckpoint: LayerChoice | Absent
  /** Null bands of every checkpoint's movement, by layer and for the maximum over layers. */
  readonly controls: DirectionControls | Absent
  /** Baselines of several training seeds on each other's directions. */
  readonly otherSeeds: OtherRuns | Absent
  /** How each variant's projection rises over the steps, and what it differs by from the baseline's. */
  readonly resistance: readonly VariantResistance[]
}

export interface DirectionAnalysis {
  readonly summary: DirectionSummary | null
  readonly projections: ReadonlyMap<string, readonly CellProjection[]>
  readonly files: readonly string[]
  readonly warnings: readonly RunWarning[]
}

const noDirection: DirectionAnalysis = {
  summary: null,
  projections: new Map(),
  files: [],
  warnings: [],
}

/** The direction of the baseline, every cell's projection on it, and what keeps its reader from being fooled by it. */
export async function analyseDirections(
  context: RunContext,
  cells: readonly Cell[],
  rows: ReadonlyMap<string, readonly LabelledRow[]>,
): Promise<DirectionAnalysis> {
  const { config, resultsFolder } = context.loaded
  if (config.activations === false) return noDirection
  const pathOf = (cell: Cell) => join(resultsFolder, `${cell.output}_activations.npz`)
  const hasSet = (cell: Cell) => existsSync(pathOf(cell))
  const pair = pairOf(context, cells.filter(hasSet))
  if (pair === undefined) return { ...noDirection, warnings: [skipped(noPair, [])] }
  const { without, withEm } = pair
  const own = cells.filter((cell) => hasSet(cell) && cell.base === withEm.base)
  const others = cells.filter((cell) => hasSet(cell) && cell.base !== withEm.base)
  const set = await computeDirections(pathOf(without), pathOf(withEm))
  const means = new Map<string, Means>()
  for (const cell of own) means.set(cell.id, await readMeans(pathOf(cell)))
  const baseMeans = means.get(without.id) as Means
  const study: DirectionStudy = { context, cells: own, rows, without, withEm, set, means, pathOf }
  const checks = await orAbsent(config.direction.checks, () => checkDirections(study))
  const layer = config.direction.layer ?? chosenLayer(checks) ?? middleOf([...set.layers.keys()])
  const directions = new Map(Array.from(set.layers, ([i, { vector }]) => [i, vector]))
  const displacementNorms = new Map(
    Array.from(set.layers, ([i, { displacementNorm }]) => [i, displacementNorm]),
  )
  const projections = new Map<string, CellProjection[]>()
  for (const cell of own)
    projections.set(
      cell.id,
      await projectCell(pathOf(cell), {
        directions,
        displacementNorms,
        baseMeans,
        questions: mainQuestions(rows, cell),
        level: config.analysis.level,
      }),
    )
  const more = await orAbsent(config.direction.checks, () => compareRuns(study, layer))
  const base = projections.get(without.id) ?? []
  const directionFile = join(resultsFolder, 'misalignment_direction.npz')
  const made = isAbsent(checks) ? undefined : checks.directions
  await writeDirections(directionFile, made === undefined ? set : { ...set, directions: made })
  const written = await writeProjections(resultsFolder, {
    layer,
    layers: [...set.layers.keys()],
    base,
    checkpoints: own.filter((cell) => cell.kind === 'checkpoint'),
    projections,
  })
  const summary: DirectionSummary = {
    baseline: withEm.variant,
    step: withEm.step,
    layer,
    base,
    note: `The projection of ${withEm.variant} at step ${withEm.step} is the largest possible by construction: the direction was made from it. So is its resistance the smallest.`,
    name: made?.get(layer)?.name ?? null,
    layerChoice: isAbsent(checks) ? checks : checks.layerChoice,
    withinCheckpoint: isAbsent(checks) ? checks : checks.withinCheckpoint,
    controls: isAbsent(checks) ? checks : checks.controls,
    otherSeeds: isAbsent(more) ? more : more.otherSeeds,
    resistance: isAbsent(more) ? [] : more.resistance,
  }
  const checksFile = join(resultsFolder, 'direction_checks.json')
  await writeFileAtomic(checksFile, `${JSON.stringify(summary, null, 2)}\n`)
  return {
    summary,
    projections,
    files: [directionFile, directionFile.replace(/npz$/, 'json'), checksFile, ...written],
    warnings: [...otherBases(others), ...checkNotes(summary, [checks, more])],
  }
}

type Means = ReadonlyMap<number, Float64Array | Float32Array>

interface DirectionStudy {
  readonly context: RunContext
  /** Of the direction's base, with activations. */
  readonly cells: readonly Cell[]
  readonly rows: ReadonlyMap<string, readonly LabelledRow[]>
  readonly without: Cell
  readonly withEm: Cell
  readonly set: DirectionSet
  readonly means: ReadonlyMap<string, Means>
  readonly pathOf: (cell: Cell) => string
}

interface StudiedDirections extends DirectionChecks {
  readonly withinCheckpoint: LayerChoice | Absent
}

async function checkDirections(study: DirectionStudy): Promise<StudiedDirections> {
  const { context, without, withEm, rows, pathOf } = study
  const { analysis, direction } = context.loaded.config
  const { level, seed } = analysis
  const [sideA, sideB] = [
    await readSet(pathOf(without), mainQuestions(rows, without)),
    await readSet(pathOf(withEm), mainQuestions(rows, withEm)),
  ]
  const embeddings = await embeddingsOf(study)
  const origin = originOf(withEm)
  const checked = directionChecks({
    contrast: { kind: 'base-vs-em-own-texts', ...origin },
    without: sideA,
    with: sideB,
    embeddings,
    displacements: displacementsOf(study),
    nDraws: direction.nDraws,
    level,
    seed,
  })
  const labels = (rows.get(withEm.id) ?? []).filter((row) => row.set === 'main')
  const indices = (wanted: 0 | 1) =>
    labels.flatMap((row, i) => (row.isEm === wanted && row.isIncoherent === 0 ? [i] : []))
  const [aligned, misaligned] = [indices(0), indices(1)]
  const split = (all: QuestionRows): ContrastRows => ({
    without: pickRows(all, aligned),
    with: pickRows(all, misaligned),
  })
  const withinCheckpoint = await orAbsent(true, async () =>
    layerChoiceOf({
      layers: new Map(Array.from(sideB, ([layer, all]) => [layer, split(all)])),
      embeddings: isAbsent(embeddings) ? embeddings : split(embeddings.with),
      contrast: {
        kind: 'misaligned-vs-aligned',
        criterion: 'em against other coherent answers',
        ...origin,
      },
      level,
      seed,
    }),
  )
  return { ...checked, withinCheckpoint }
}

/** Both sides as bags of embeddings, from the stored token ids. */
async function embeddingsOf({
  context,
  without,
  withEm,
  rows,
}: DirectionStudy): Promise<ContrastRows | Absent> {
  const sideOf = async (cell: Cell): Promise<QuestionRows> => {
    const completions = await readCompletions(context.store, cell.id)
    const planned = context.sets
      .filter((set) => set.name === 'main')
      .flatMap((set) => plannedRows(set, context.loaded.config.sampling.samplesPerQuestion))
    if (completions.size === 0)
      throw new CemError({
        code: 'answers-without-tokens',
        message: `The token ids of the answers of ${cell.id} are not there.`,
        data: { cell: cell.id },
      })
    const answers = planned.map((row) => completions.get(rowKey(row))?.tokenIds ?? [])
    return { ...(await embeddingMeans(cell.base, answers)), questions: mainQuestions(rows, cell) }
  }
  return orAbsent(true, async () => ({
    without: await sideOf(without),
    with: await sideOf(withEm),
  }))
}

/** How far every checkpoint's mean moved from the base's, by layer. */
function displacementsOf({
  cells,
  means,
  without,
  set,
}: DirectionStudy): Map<string, Map<number, Float64Array>> {
  const base = means.get(without.id) as Means
  const moved = new Map<string, Map<number, Float64Array>>()
  for (const { id, step } of cells) {
    const own = means.get(id)
    if (own === undefined || id === without.id || step === 0) continue
    const layers = [...set.layers.keys()].map((layer): [number, Float64Array] => [
      layer,
      Float64Array.from(
        own.get(layer) ?? [],
        (value, i) => value - (base.get(layer)?.[i] ?? Number.NaN),
      ),
    ])
    moved.set(id, new Map(layers))
  }
  return moved
}

/** What needs one layer alone: other seeds' directions, and resistance. */
async function compareRuns(study: DirectionStudy, layer: number) {
  const { context, cells, rows, without, withEm, set, pathOf } = study
  const { level, seed } = context.loaded.config.analysis
  const baseRows = await readLayer(without)
  const peers = cells.filter(
    (cell) => cell.condition === withEm.condition && cell.step === withEm.step,
  )
  const runs: BaselineRun[] = []
  for (const cell of peers) {
    const own = await readLayer(cell)
    const direction: Direction = makeDirection({
      without: baseRows,
      with: own,
      layer,
      contrast: { kind: 'base-vs-em-own-texts', ...originOf(cell) },
    })
    runs.push({
      name: cell.id,
      direction,
      mean: meanActivation(own).mean,
      baseMean: meanActivation(baseRows).mean,
    })
  }
  const otherSeeds: OtherRuns | Absent =
    runs.length > 1
      ? projectOtherRuns(runs)
      : { absent: 'the run has one training seed of the baseline' }
  const { vector, displacementNorm } = set.layers.get(layer) as {
    vector: Float32Array
    displacementNorm: number
  }
  const resistance = await variantResistance({
    cells,
    baseline: withEm.variant,
    baseMean: meanActivation(baseRows).mean,
    vector,
    displacementNorm,
    readLayer,
    level,
    seed,
  })
  return { otherSeeds, resistance }

  async function readLayer(cell: Cell): Promise<QuestionRows> {
    const layers = await readSet(pathOf(cell), mainQuestions(rows, cell), [layer])
    return layers.get(layer) as QuestionRows
  }
}

function mainQuestions(rows: ReadonlyMap<string, readonly LabelledRow[]>, { id }: Cell): string[] {
  return (rows.get(id) ?? []).filter((row) => row.set === 'main').map((row) => row.question)
}

function chosenLayer(checks: StudiedDirections | Absent): number | undefined {
  if (isAbsent(checks) || isAbsent(checks.layerChoice)) return undefined
  return checks.layerChoice.layer
}

function middleOf(layers: readonly number[]): number {
  return layers[Math.floor(layers.length / 2)] ?? 0
}

/** The checkpoint of the baseline and the base model alone (its own cell, or step 0 of the baseline). */
function pairOf({ loaded }: RunContext, cells: readonly Cell[]) {
  const { config } = loaded
  const baseline = baselineVariant({ config })
  const own = cells.filter((cell) => cell.variant === baseline && cell.step > 0)
  const wanted = config.direction.step ?? Math.max(...own.map((cell) => cell.step))
  const withEm = own.find((cell) => cell.step === wanted)
  const isPlain = (cell: Cell) =>
    cell.kind === 'base' ||
    (cell.variant === baseline && cell.step === 0 && cell.persona === 'none')
  const without = cells.find((cell) => cell.base === withEm?.base && isPlain(cell))
  return withEm === undefined || without === undefined ? undefined : { without, withEm }
}

const noPair =
  'No misalignment direction: it needs the activations of the base model and of a checkpoint of the baseline variant.'

function skipped(message: string, cells: readonly string[]): RunWarning {
  return { code: 'direction-skipped', message, cells }
}

function otherBases(others: readonly Cell[]): RunWarning[] {
  if (others.length === 0) return []
  return [
    skipped(
      `${others.length} cells have another base model and are not projected: their hidden states are not in the same space.`,
      others.map(({ id }) => id),
    ),
  ]
}

/** What the checks found, in words; and which of them there are none of. */
function checkNotes(
  { layer, layerChoice, withinCheckpoint, controls }: DirectionSummary,
  parts: readonly (object | Absent)[],
): RunWarning[] {
  const absent = parts.flatMap((part) => (isAbsent(part) && part !== off ? [part.absent] : []))
  const notes = [...new Set(absent)].map((reason) =>
    skipped(`Checks of the direction are left out: ${reason}`, []),
  )
  const found = [
    ...(isAbsent(layerChoice)
      ? []
      : [`base against EM on held-out questions: AUROC ${aurocs(layerChoice)}`]),
    ...(isAbsent(withinCheckpoint)
      ? []
      : [`misaligned against other answers of one checkpoint: AUROC ${aurocs(withinCheckpoint)}`]),
    ...(isAbsent(controls)
      ? []
      : [
          `displacement over the maximum of shuffled labels: p ${controls.maximumOverLayers.displacementNorm.p.toPrecision(2)}`,
        ]),
  ]
  if (found.length === 0) return notes
  const message = `The direction at layer ${layer}: ${found.join('; ')}. direction_checks.json has the rest.`
  return [...notes, { code: 'direction-controls', message, cells: [] }]
}

function aurocs({ separation: { auroc, baseline } }: LayerChoice): string {
  const of = (value: number | Absent) => (isAbsent(value) ? '-' : value.toFixed(3))
  const beside = isAbsent(baseline) ? '-' : of(baseline.estimate)
  return `${of(auroc.estimate)}, bag of embeddings ${beside}`
}

const off: Absent = { absent: 'direction.checks is false' }

/** An absence with its reason where the data do not allow for it; nothing else of the analysis is lost. */
async function orAbsent<T extends object>(
  isWanted: boolean,
  work: () => Promise<T>,
): Promise<T | Absent> {
  if (!isWanted) return off
  try {
    return await work()
  } catch (error) {
    if (!CemError.isInstance(error)) throw error
    return { absent: messageOf(error) }
  }
}
