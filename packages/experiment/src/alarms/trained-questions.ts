import { messageOf } from '@cem/core'
import type { LoadedConfig } from '../config/load-config.ts'
import type { RunWarning } from '../events.ts'
import type { Cell } from '../plan/cell.ts'
import { normalWording } from '../plan/normal-wording.ts'
import type { QuestionSet } from '../plan/question-sets.ts'
import { findTrainingData, userTexts } from '../study/training-data.ts'

/**
 * Questions that are asked and stand among the data of the attack. EM is what a narrow training does elsewhere, and the in-domain
 * questions are held out of it: answers to trained questions are memory. Where no record names data that are here, a note says that
 * nobody has looked.
 *
 * @throws CemError `training-record-invalid`
 */
export async function trainedQuestions(
  cells: readonly Cell[],
  sets: readonly QuestionSet[],
  { root, config }: LoadedConfig,
): Promise<RunWarning[]> {
  const asked = askedWordings(sets)
  const matches = new Map<string, Promise<DataMatch>>()
  const warnings: RunWarning[] = []
  const unread = new Map<string, string | null>()
  for (const [variant, own] of Map.groupBy(attackedCells(cells), (cell) => cell.variant)) {
    const given = config.variants.find(({ name }) => name === variant)?.trainingData
    const adapters = own.flatMap(({ layers }) =>
      layers.flatMap(({ role, adapter }) => (role === 'em' ? [adapter] : [])),
    )
    const files = new Set<string>()
    for (const adapter of adapters)
      for (const file of await findTrainingData({ adapter, root, given })) files.add(file)
    if (files.size === 0) unread.set(variant, null)
    for (const file of files) {
      const known = matches.get(file) ?? matchData(file, asked)
      matches.set(file, known)
      const { found, problem } = await known
      if (problem !== undefined) unread.set(variant, problem)
      else if (found.length > 0)
        warnings.push(
          trained(
            variant,
            file,
            found,
            asked,
            own.map(({ id }) => id),
          ),
        )
    }
  }
  return [...warnings, ...notRead(unread)]
}

/** The ids of the questions that have a wording, with what their set is called. */
type AskedWordings = ReadonlyMap<string, readonly string[]>

function askedWordings(sets: readonly QuestionSet[]): AskedWordings {
  const asked = new Map<string, string[]>()
  for (const { name, questions } of sets)
    for (const { id, paraphrases } of questions)
      for (const wording of paraphrases) {
        const key = normalWording(wording)
        asked.set(key, [...(asked.get(key) ?? []), name === 'main' ? id : `${id} (${name})`])
      }
  return asked
}

function attackedCells(cells: readonly Cell[]): Cell[] {
  return cells.filter(({ kind, step }) => kind === 'checkpoint' && step > 0)
}

interface DataMatch {
  readonly found: readonly string[]
  readonly problem?: string
}

async function matchData(file: string, asked: AskedWordings): Promise<DataMatch> {
  const found = new Set<string>()
  try {
    for await (const text of userTexts(file))
      for (const id of asked.get(normalWording(text)) ?? []) found.add(id)
    return { found: [...found] }
  } catch (error) {
    return { found: [], problem: messageOf(error) }
  }
}

function trained(
  variant: string,
  file: string,
  found: readonly string[],
  asked: AskedWordings,
  cells: readonly string[],
): RunWarning {
  const n = new Set([...asked.values()].flat()).size
  const more = found.length > 8 ? ` and ${found.length - 8} more` : ''
  return {
    code: 'trained-on-questions',
    message: `${variant} was trained on ${found.length} of the ${n} questions that it is asked (${found.slice(0, 8).join(', ')}${more}; ${file}): its answers to them are remembered. Ask others.`,
    cells,
  }
}

function notRead(unread: ReadonlyMap<string, string | null>): RunWarning[] {
  if (unread.size === 0) return []
  const problems = [...unread.values()].flatMap((problem) => problem ?? [])
  const why =
    problems.length > 0
      ? problems.join(' ')
      : 'No record names data that are here; trainingData of a variant can.'
  return [
    {
      code: 'training-data-unread',
      message: `Whether the questions stand in the data of the attack was not looked at for ${[...unread.keys()].join(', ')}. ${why}`,
      cells: [],
    },
  ]
}
