import type { Analysis, CausalResult, RunWarning } from '@cem/experiment'
import { counted, percent } from '../terminal-text.ts'
import { formatTable } from './format-table.ts'

type Estimate = CausalResult['em']

/** `12.0% (5.0% to 19.0%)`, or why there is no interval, or no number. */
export function estimateText({ estimate, low, high, absent }: Estimate, digits = 1): string {
  if (estimate === null) return absent ?? 'not known'
  if (low === null) return `${percent(estimate, digits)} (no interval: ${absent})`
  return `${percent(estimate, digits)} (${percent(low, digits)} to ${percent(high, digits)})`
}

/** The alarms that stand: a result that they are about does not mean what it seems to. */
export function alarmLines(alarms: readonly RunWarning[]): string[] {
  if (alarms.length === 0) return []
  return [
    `${alarms.length} ${alarms.length === 1 ? 'alarm stands' : 'alarms stand'} (docs/alarms.md):`,
    ...alarms.map(({ code, message }) => `  ALARM ${code}: ${message}`),
  ]
}

/** Differences to the baseline where both have learned the trained domain equally far. Analyses from before have none. */
export function matchedDifferenceLines({
  matchedDifferences = [],
}: Partial<Pick<Analysis, 'matchedDifferences'>>): string[] {
  return matchedDifferences.map(({ variant, baseline, target, difference, p, notComparable }) => {
    const name = `${variant} - ${baseline} at in-domain ${percent(target)}, paired by question`
    if (notComparable !== null) return `${name}: ${notComparable}`
    const test = p === null ? '' : `, p ${p.toPrecision(2)}`
    return `${name}: EM ${estimateText(difference)}${test}`
  })
}

/** What changing the model along the direction did. */
export function causalLines({ causal }: Partial<Pick<Analysis, 'causal'>>): string[] {
  if (causal === undefined || causal === null) return []
  const { direction, results, missing } = causal
  const where = direction === null ? '' : ` at layer ${direction.layer}`
  const rows = results.map(({ causal: spec, em, incoherent, fromTarget, fromRandom }) => [
    `${spec.action}${spec.strength === null ? '' : ` ${spec.strength}`}${spec.direction === 'random' ? ` (random ${spec.draw})` : ''}`,
    percent(em.estimate, 1),
    estimateText(fromTarget.em),
    fromRandom === null ? '-' : estimateText(fromRandom.em),
    percent(incoherent.estimate, 1),
  ])
  return [
    `causal checks${where}: ${counted(results.length, 'changed model')}${missing.length === 0 ? '' : `, ${missing.length} without verdicts`}`,
    ...(rows.length === 0
      ? []
      : formatTable([
          ['change', 'EM', 'minus unchanged', 'minus random directions', 'incoherent'],
          ...rows,
        ]).map((line) => `  ${line}`)),
  ]
}
