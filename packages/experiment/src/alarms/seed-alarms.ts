import type { RunWarning } from '../events.ts'
import type { Cell } from '../plan/cell.ts'
import { readTrainingRecord } from '../study/training-record.ts'

/**
 * Training seeds that do not make replicates: two variants of a condition under one seed, and a seed that is another than the
 * record of the training has.
 *
 * @throws CemError `training-record-invalid`
 */
export async function seedAlarms(cells: readonly Cell[]): Promise<RunWarning[]> {
  const attacked = cells.filter(({ kind, step }) => kind === 'checkpoint' && step > 0)
  return [...repeatedSeeds(attacked), ...(await disputedSeeds(attacked))]
}

function repeatedSeeds(cells: readonly Cell[]): RunWarning[] {
  const groups = [
    ...Map.groupBy(cells, ({ condition, step, trainingSeed }) =>
      JSON.stringify([condition, step, trainingSeed]),
    ).values(),
  ].filter((group) => group.length > 1)
  const byCondition = Map.groupBy(groups.flat(), ({ condition }) => condition)
  return Array.from(byCondition, ([condition, own]) => {
    const variants = [...new Set(own.map(({ variant }) => variant))]
    const seeds = [...new Set(own.map(({ trainingSeed }) => trainingSeed))].join(', ')
    return {
      code: 'seed-repeated',
      message: `${variants.join(' and ')} are of one condition, ${condition}, and have one training seed (${seeds}): they count as one training, and their answers are drawn with the same noise. Give each its trainingSeed, or a condition of its own.`,
      cells: own.map(({ id }) => id),
    }
  })
}

async function disputedSeeds(cells: readonly Cell[]): Promise<RunWarning[]> {
  const disputed: { readonly cell: Cell; readonly recorded: number }[] = []
  for (const cell of cells) {
    const adapter = cell.layers.find(({ role }) => role === 'em')?.adapter
    const record = adapter === undefined ? undefined : await readTrainingRecord(adapter)
    const recorded = record?.trainingSeed
    if (recorded !== undefined && recorded !== cell.trainingSeed) disputed.push({ cell, recorded })
  }
  if (disputed.length === 0) return []
  const variants = new Map(
    disputed.map(({ cell, recorded }) => [
      cell.variant,
      `${cell.variant}: ${cell.trainingSeed}, recorded ${recorded}`,
    ]),
  )
  return [
    {
      code: 'seed-disputed',
      message: `The config names another training seed than the records beside the checkpoints (${[...variants.values()].join('; ')}). Replicates that are told apart by a number alone are none: leave trainingSeed out, so that it is the recorded one.`,
      cells: disputed.map(({ cell }) => cell.id),
    },
  ]
}
