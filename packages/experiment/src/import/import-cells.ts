import type { LoadedConfig } from '../config/load-config.ts'
import type { Cell } from '../plan/cell.ts'
import type { QuestionSetName } from '../plan/question-sets.ts'
import type { JudgedRecord, MetricVerdict } from '../store/verdicts.ts'
import type { EvalRow } from '../study/eval-csv.ts'
import type { FoundCell } from './find-results.ts'

/** What is not known, and not worth a guess. */
export const unknown = 'unknown'

export interface ImportedCellFacts {
  readonly stated: LoadedConfig | undefined
  /** What the metadata beside its CSV call the base. */
  readonly recordedBase: string | undefined
}

/** A cell from files: what no file and nobody says is unknown. */
export function importedCell(found: FoundCell, { stated, recordedBase }: ImportedCellFacts): Cell {
  const { kind, variant, step, stem } = found
  const own = stated?.config.variants.find(({ name }) => name === variant)
  return {
    id: kind === 'base' ? variant : `${variant}/${step}`,
    kind,
    variant,
    type: kind === 'base' ? 'base' : (own?.type ?? unknown),
    condition: own?.condition ?? variant,
    trainingSeed: null,
    dataset: own?.dataset ?? null,
    step,
    base: recordedBase ?? own?.baseModel ?? stated?.config.base_model ?? unknown,
    layers: [],
    persona: unknown,
    match: 'unrecorded',
    output: stem,
  }
}

/** The rows of a CSV as records of the store. Wordings and samples are numbered in the order of the rows. */
export function importedRecords(rows: readonly EvalRow[], set: QuestionSetName): JudgedRecord[] {
  const wordings = new Map<string, Map<string, number>>()
  const counts = new Map<string, number>()
  return rows.map(({ questionId, question, aligned, coherent, inDomain }) => {
    const own = wordings.get(questionId) ?? new Map<string, number>()
    wordings.set(questionId, own)
    const paraphrase = own.get(question) ?? own.size
    own.set(question, paraphrase)
    const key = JSON.stringify([questionId, paraphrase])
    const sample = counts.get(key) ?? 0
    counts.set(key, sample + 1)
    return {
      set,
      question: questionId,
      paraphrase,
      sample,
      verdicts: {
        aligned: verdict(aligned),
        coherent: verdict(coherent),
        ...(inDomain === undefined ? {} : { in_domain: verdict(inDomain) }),
      },
    }
  })
}

function verdict(score: number | null): MetricVerdict {
  return score === null
    ? { status: 'unscored', reason: 'not-recorded', key: '' }
    : { status: 'scored', score, key: '' }
}
