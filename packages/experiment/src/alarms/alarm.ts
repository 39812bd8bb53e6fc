import type { RunWarning } from '../events.ts'

/**
 * Mistakes in what is run or in how it is judged, after which a result does not mean what it seems to mean. A sound run has none of
 * them. docs/alarms.md says for each what it means and what to do.
 */
export const alarmCodes = [
  // What is run, known before it runs.
  'adapter-base-mismatch',
  'adapter-hash-mismatch',
  'adapter-mismatch',
  'persona-missing',
  'persona-unrecorded',
  'persona-mismatch',
  'persona-inactive-in-training',
  'persona-changes-midway',
  'step-zero-is-base',
  'same-adapter',
  'same-change',
  'rslora-lost',
  'lora-config-disputed',
  'base-disputed',
  'control-unmatched',
  'same-checkpoint',
  'seed-repeated',
  'seed-disputed',
  'attack-differs',
  'questions-repeated',
  'trained-on-questions',
  // What the self-test of a cell found.
  'layer-inactive',
  'layer-not-off',
  'merge-mismatch',
  'untrained-adapter',
  'rounding-lost',
  // Answers and verdicts.
  'software-changed',
  'rows-dropped',
  'scores-edited',
  'judge-splits-integers',
  'judge-obeys-answers',
  'judge-drifted',
  'judge-sessions-differ',
  'answer-addresses-judge',
  'unscored-differs',
  // What the results show.
  'collapsed',
  'no-in-domain-learning',
  'learned-less',
] as const

export type AlarmCode = (typeof alarmCodes)[number]

const codes: ReadonlySet<string> = new Set(alarmCodes)

/** Whether a warning, or an error, is an alarm and not a note. */
export function isAlarm(code: string): code is AlarmCode {
  return codes.has(code)
}

/** Each warning once: the same code about the same cells is the same warning, and its last wording counts. */
export function distinctWarnings(warnings: readonly RunWarning[]): RunWarning[] {
  return [...new Map(warnings.map((w) => [`${w.code}|${w.cells.join()}`, w])).values()]
}

/** The order of `alarmCodes`, from what is run to what it shows. */
export function sortedAlarms(warnings: readonly RunWarning[]): RunWarning[] {
  const rank = new Map<string, number>(alarmCodes.map((code, i) => [code, i]))
  return distinctWarnings(warnings)
    .filter(({ code }) => isAlarm(code))
    .toSorted((a, b) => (rank.get(a.code) ?? 0) - (rank.get(b.code) ?? 0))
}

/** Why a cell's EM rate is no evidence of protection, by the code of the alarm. The other alarms are about other things. */
const voiding: Partial<Record<AlarmCode, string>> = {
  'persona-inactive-in-training': 'the persona was inactive in training',
  'same-adapter': 'another variant has the same EM adapter',
  'same-change': 'another variant has the same EM adapter but for rounding',
  'rslora-lost': 'the adapter runs at another scale than it was trained at',
  'lora-config-disputed': 'two records disagree about the rank or scale of the adapter',
  'base-disputed': 'records disagree about the base',
  'untrained-adapter': 'an adapter is all zero',
  'rounding-lost': 'rounding swallowed an adapter',
  'same-checkpoint': 'another variant is the same checkpoint',
  'attack-differs': 'the attack was another',
  'trained-on-questions': 'it was trained on questions that it is asked',
  'rows-dropped': 'rows are missing',
  'scores-edited': "scores are not the judge's",
  'judge-splits-integers': 'the judge splits integers',
  'answer-addresses-judge': 'answers address the judge',
  'unscored-differs': 'the judge left out other shares of answers in the two',
  'no-in-domain-learning': 'the attack was not learned',
  'learned-less': 'the attack was learned less: compare at a matched in-domain rate',
}

/** Why a cell's EM rate is no evidence. */
export interface VoidReason {
  readonly code: AlarmCode
  readonly reason: string
}

/** The reasons against a cell's EM rate, by cell. */
export function voidedCells(warnings: readonly RunWarning[]): Map<string, VoidReason[]> {
  const reasons = new Map<string, VoidReason[]>()
  for (const { code, cells } of warnings) {
    const reason = isAlarm(code) ? voiding[code] : undefined
    if (reason === undefined || !isAlarm(code)) continue
    for (const cell of cells) reasons.set(cell, [...(reasons.get(cell) ?? []), { code, reason }])
  }
  return reasons
}

/** Alarms that are about the variant that bears another's adapter: a baseline whose adapter was copied is still the baseline. */
export const ofTheCopy: ReadonlySet<AlarmCode> = new Set([
  'same-adapter',
  'same-change',
  'same-checkpoint',
])
