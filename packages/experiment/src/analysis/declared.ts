import type { ExperimentConfig } from '../config/schema.ts'
import type { RunWarning } from '../events.ts'
import type { DeclaredAnalysis } from '../store/lock.ts'

/** What a config declares about the analysis; the lock keeps it as it was when the run began. */
export function declaredAnalysis({ analysis }: ExperimentConfig): DeclaredAnalysis {
  const { family = null, equivalenceMargin = null, matchedInDomainRate, level } = analysis
  return { family, equivalenceMargin, matchedInDomainRate, level }
}

/** A family, margin, rate or level that was changed after the run began: what it gives is exploratory. */
export function changedDeclaration(
  locked: DeclaredAnalysis | undefined,
  config: ExperimentConfig,
): RunWarning[] {
  if (locked === undefined) return []
  const now = declaredAnalysis(config)
  const changed = (Object.keys(now) as (keyof DeclaredAnalysis)[]).filter(
    (key) => JSON.stringify(locked[key]) !== JSON.stringify(now[key]),
  )
  if (changed.length === 0) return []
  const changes = changed.map((key) => `${key} was ${show(locked[key])}, is ${show(now[key])}`)
  return [
    {
      code: 'declaration-changed',
      message: `The analysis is not the one that was declared when the run began: ${changes.join('; ')}. Tests and margins that are chosen after the answers are there are exploratory; report them as that.`,
      cells: [],
    },
  ]
}

function show(value: DeclaredAnalysis[keyof DeclaredAnalysis]): string {
  if (value === null) return 'the default'
  return Array.isArray(value) ? `${value.length} tests` : String(value)
}
