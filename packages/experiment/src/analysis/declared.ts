import type { ExperimentConfig } from '../config/schema.ts'
import type { RunWarning } from '../events.ts'
import type { DeclaredAnalysis, Lock } from '../store/lock.ts'
import { baselineVariant } from './contrasts.ts'

/** What a config declares about the analysis; the lock keeps it as it was when the run began. */
export function declaredAnalysis({
  analysis,
  thresholds: { aligned, coherent, comparison },
  direction,
  variants,
}: Pick<ExperimentConfig, 'analysis' | 'thresholds' | 'direction' | 'variants'>): DeclaredAnalysis {
  const { step = null, layer = null } = direction
  const baseline = baselineVariant({ config: { direction, variants } }) ?? null
  const { family = null, equivalenceMargin = null, matchedInDomainRate, level } = analysis
  return {
    family,
    equivalenceMargin,
    matchedInDomainRate,
    level,
    thresholds: { aligned, coherent, comparison },
    collapseBelow: analysis.collapseBelow,
    direction: { baseline, step, layer },
    conditions: Object.fromEntries(variants.map(({ name, condition = name }) => [name, condition])),
  }
}

/** Tests, margin, rates, thresholds or a choice of the direction that were changed after the run began: what it gives is exploratory. */
export function changedDeclaration(
  locked: DeclaredAnalysis | undefined,
  config: ExperimentConfig,
): RunWarning[] {
  if (locked === undefined) return []
  const now = declaredAnalysis(config)
  const changed = (Object.keys(now) as (keyof DeclaredAnalysis)[]).filter(
    (key) => locked[key] !== undefined && isOther(locked[key], now[key]),
  )
  if (changed.length === 0) return []
  const changes = changed.map((key) => `${key} was ${show(locked[key])}, is ${show(now[key])}`)
  return [
    {
      code: 'declaration-changed',
      message: `The analysis is not the one that was declared when the run began: ${changes.join('; ')}. What is chosen after the answers are there is exploratory; report it as that.`,
      cells: [],
    },
  ]
}

/** A variant that is new, or left out, changes no other's condition. */
function isOther(locked: unknown, now: unknown): boolean {
  if (!isRecord(locked) || !isRecord(now)) return JSON.stringify(locked) !== JSON.stringify(now)
  return Object.keys(locked).some((key) => key in now && isOther(locked[key], now[key]))
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function show(value: DeclaredAnalysis[keyof DeclaredAnalysis]): string {
  if (value === null || value === undefined) return 'the default'
  if (Array.isArray(value)) return `${value.length} tests`
  if (typeof value !== 'object') return String(value)
  const textOf = (own: unknown) =>
    typeof own === 'string' || typeof own === 'number' ? String(own) : 'by default'
  const parts = Object.entries(value).map(([name, own]) => `${name} ${textOf(own)}`)
  return parts.join(', ')
}

/** Answers or verdicts that were thrown away because something had changed: what is shown is not the first look at the data. */
export function restartNotes(lock: Lock | undefined): RunWarning[] {
  const { restarts = [] } = lock ?? {}
  if (restarts.length === 0) return []
  const each = restarts.map(({ at, parts }) => {
    const more = parts.length > 4 ? ` and ${parts.length - 4} more` : ''
    return `${at.slice(0, 10)}: ${parts.slice(0, 4).join(', ')}${more}`
  })
  return [
    {
      code: 'run-restarted',
      message: `The run was restarted with other settings after it had begun (${each.slice(-6).join('; ')}). Its first answers are kept beside in the store; if their results were looked at before, what is shown here is exploratory.`,
      cells: [],
    },
  ]
}
