import type { Adapter, Composition } from '@cem/inference'
import type { RunWarning } from '../events.ts'
import type { Cell } from '../plan/cell.ts'
import { readTrainingRecord } from '../study/training-record.ts'

/** Controls are trained otherwise on purpose, and reflection on conversations that it has made longer. */
const ofOtherTraining: ReadonlySet<string> = new Set(['control', 'unknown'])
const ofOtherData: ReadonlySet<string> = new Set(['reflection'])

/**
 * Variants whose attack is not the baseline's at the same step: other data, or a LoRA of other rank, scale or modules. Less EM under
 * a weaker attack is no protection. And, as a note, those that run on another base.
 *
 * @throws CemError `training-record-invalid`
 */
export async function attackAlarms(
  cells: readonly Cell[],
  compositions: ReadonlyMap<string, Composition>,
  baseline: string | undefined,
): Promise<RunWarning[]> {
  const attacked = cells.filter(
    ({ kind, step, type }) => kind === 'checkpoint' && step > 0 && !ofOtherTraining.has(type),
  )
  const references = new Map(
    attacked.filter(({ variant }) => variant === baseline).map((cell) => [cell.step, cell]),
  )
  const found = new Map<string, { differences: readonly string[]; cells: string[] }>()
  const otherBase: Cell[] = []
  for (const cell of attacked) {
    const reference = references.get(cell.step)
    if (reference === undefined || reference.variant === cell.variant) continue
    if (cell.base !== reference.base) otherBase.push(cell)
    const differences = await differencesOf(cell, reference, compositions)
    if (differences.length === 0) continue
    const { cells: known } = found.get(cell.variant) ?? { cells: [] }
    found.set(cell.variant, { differences, cells: [...known, cell.id] })
  }
  return [
    ...Array.from(
      found,
      ([variant, { differences, cells: own }]): RunWarning => ({
        code: 'attack-differs',
        message: `${variant} had another attack than ${baseline}: ${differences.join('; ')}. A difference in EM is of the attacks as much as of what came before them.`,
        cells: own,
      }),
    ),
    ...baseNote(otherBase, baseline),
  ]
}

async function differencesOf(
  cell: Cell,
  reference: Cell,
  compositions: ReadonlyMap<string, Composition>,
): Promise<string[]> {
  const [a, b] = [cell, reference].map((one) => emAdapter(compositions.get(one.id)))
  if (a === undefined || b === undefined) return []
  const [recordA, recordB] = [await readTrainingRecord(a.path), await readTrainingRecord(b.path)]
  const isOfOtherData = ofOtherData.has(cell.type) || ofOtherData.has(reference.type)
  const [dataA, dataB] = [recordA?.datasetSha256, recordB?.datasetSha256]
  const isOther = dataA !== undefined && dataB !== undefined && dataA !== dataB && !isOfOtherData
  return [
    ...(isOther
      ? [
          `the data are others (${nameOf(recordA?.dataset, dataA)}, ${nameOf(recordB?.dataset, dataB)})`,
        ]
      : []),
    ...settings.flatMap(([name, of]) => {
      const [own, other] = [of(a.config), of(b.config)]
      return own === other ? [] : [`${name} ${own}, there ${other}`]
    }),
  ]
}

const settings: readonly (readonly [string, (config: Adapter['config']) => string])[] = [
  ['rank', ({ r }) => String(r)],
  ['alpha', ({ lora_alpha }) => String(lora_alpha)],
  ['rsLoRA', ({ use_rslora }) => String(use_rslora)],
  [
    'modules',
    ({ target_modules: modules }) =>
      Array.isArray(modules) ? modules.toSorted().join(' ') : modules,
  ],
]

function emAdapter(composition: Composition | undefined): Adapter | undefined {
  return composition?.layers.find(({ role }) => role === 'em')?.adapter
}

function nameOf(name: string | undefined, sha256: string): string {
  return `${name ?? 'without a name'} ${sha256.slice(0, 8)}`
}

function baseNote(cells: readonly Cell[], baseline: string | undefined): RunWarning[] {
  if (cells.length === 0) return []
  const variants = [...new Set(cells.map(({ variant }) => variant))].join(', ')
  return [
    {
      code: 'bases-differ',
      message: `${variants} run on another base than ${baseline}: what differs may be the base, and not what was trained on it.`,
      cells: cells.map(({ id }) => id),
    },
  ]
}
