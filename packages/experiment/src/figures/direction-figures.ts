import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { openActivationSet } from '@cem/activations'
import { CemError } from '@cem/core'
import {
  meanActivation,
  type NamedVector,
  principalComponents,
  projectOne,
  similarityMatrix,
} from '@cem/direction'
import { type ComponentRow, directionSimilarity, personaPca, type SimilarityRow } from '@cem/plots'
import { readDirections } from '../files/direction-file.ts'
import type { Cell } from '../plan/cell.ts'
import { checkpointsOf, type FigureSource, flagOf, type RunFigure } from './run-figure.ts'

interface CellMean {
  readonly entry: ReturnType<typeof checkpointsOf>[number]
  /** [dModel] */
  readonly mean: Float64Array
}

/** How alike the ways are in which variants moved, and where all checkpoints lie on two principal components, at the direction's layer. */
export async function directionFigures(source: FigureSource): Promise<RunFigure[]> {
  const { analysis, resultsFolder, styles, look } = source
  const { direction } = analysis
  const file = join(resultsFolder, 'misalignment_direction.npz')
  if (direction === null || !existsSync(file)) return []
  const vector = (await readDirections(file)).get(direction.layer)
  if (vector === undefined) return []
  const means: CellMean[] = []
  const own = analysis.cells.find(
    ({ cell }) => cell.variant === direction.baseline && cell.step === direction.step,
  )?.cell.base
  for (const entry of checkpointsOf(source)) {
    // States of another base model are not in the same space.
    if (entry.cell.base !== own) continue
    const mean = await meanOf(source, entry.cell, direction.layer)
    if (mean !== undefined && mean.length === vector.length) means.push({ entry, mean })
  }
  const base = await baseMean(source, direction.layer, own)
  return [
    ...similarityFigure(means, base, vector, source),
    ...(await componentFigure(means, base, vector, source)),
  ]

  function similarityFigure(
    cells: readonly CellMean[],
    origin: Float64Array | undefined,
    of: Float32Array,
    { analysis: { run } }: FigureSource,
  ): RunFigure[] {
    if (origin === undefined) return []
    const last = new Map(cells.map((each) => [each.entry.cell.variant, each]))
    const moved = [...last].flatMap(([name, { mean }]): NamedVector[] => {
      const displacement = mean.map((value, i) => value - (origin[i] ?? Number.NaN))
      return displacement.some((value) => value !== 0) ? [{ name, vector: displacement }] : []
    })
    if (moved.length === 0) return []
    const { names, cosines } = similarityMatrix([{ name: 'misalignment', vector: of }, ...moved])
    const rows = names.flatMap((a, i) =>
      names
        .slice(i + 1)
        .map((b, j): SimilarityRow => ({ a, b, cosine: cosines[i]?.[i + 1 + j] ?? null })),
    )
    return [
      {
        kind: 'similarity',
        name: `direction_similarity_${run}`,
        spec: directionSimilarity(rows, {
          ...look,
          title: `Do variants move the same way? Layer ${direction?.layer}`,
          subtitle: `Displacements of the last checkpoints from the base, and the direction, which ${direction?.baseline} made`,
        }),
      },
    ]
  }

  async function componentFigure(
    cells: readonly CellMean[],
    origin: Float64Array | undefined,
    of: Float32Array,
    { analysis: { run } }: FigureSource,
  ): Promise<RunFigure[]> {
    const vectors = [...cells.map(({ mean }) => mean), ...(origin === undefined ? [] : [origin])]
    if (vectors.length < 3) return []
    const found = await orNone(() => principalComponents(vectors, { nComponents: 2 }))
    const [first, second] = found?.components ?? []
    if (first === undefined || second === undefined) return []
    const at = (i: number) => ({ pc1: first.scores[i] ?? null, pc2: second.scores[i] ?? null })
    const rows = cells.map(({ entry }, i): ComponentRow => {
      const { variant, condition, step } = entry.cell
      return { variant, condition, step, ...at(i), flag: flagOf(entry) }
    })
    const named = new Set(rows.map(({ variant }) => variant))
    return [
      {
        kind: 'components',
        name: `principal_components_${run}`,
        spec: personaPca(rows, {
          ...look,
          title: `Checkpoints on two principal components, layer ${direction?.layer}`,
          styles: new Map([...styles].filter(([name]) => named.has(name))),
          explained: [first.explainedVarianceRatio, second.explainedVarianceRatio],
          arrows: [
            {
              label: 'misalignment',
              pc1: projectOne(first.vector, of),
              pc2: projectOne(second.vector, of),
            },
          ],
        }),
      },
    ]
  }
}

async function meanOf(
  { resultsFolder }: FigureSource,
  cell: Pick<Cell, 'output'>,
  layer: number,
): Promise<Float64Array | undefined> {
  const path = join(resultsFolder, `${cell.output}_activations.npz`)
  if (!existsSync(path)) return undefined
  await using set = await openActivationSet(path)
  if (!set.shape.layers.includes(layer)) return undefined
  const rows = await set.readLayer(layer)
  return orNone(() => meanActivation({ rows, dModel: set.shape.dModel }).mean)
}

/** Of the base's own cell, or of step 0 of a variant without persona. */
async function baseMean(
  source: FigureSource,
  layer: number,
  base: string | undefined,
): Promise<Float64Array | undefined> {
  const cells = source.analysis.cells.filter(({ cell }) => cell.base === base)
  const plain =
    cells.find(({ cell }) => cell.kind === 'base') ??
    cells.find(({ cell }) => cell.step === 0 && cell.persona === 'none')
  return plain === undefined ? undefined : meanOf(source, plain.cell, layer)
}

/** No figure where the data do not allow for it: all answers empty, all vectors equal. */
async function orNone<T>(work: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    if (CemError.isInstance(error)) return undefined
    throw error
  }
}
