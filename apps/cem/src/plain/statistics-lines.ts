import type { Analysis, Comparison, Family } from '@cem/experiment'
import { percent } from '../terminal-text.ts'

/** Analyses from before there were families have none of it. */
type AnalysedTests = Partial<
  Pick<Analysis, 'family' | 'similarity' | 'comparisons' | 'matchedComparisons'>
>

/** What the tests of a run showed, and what they cannot show. */
export function statisticsLines({
  family,
  similarity,
  comparisons = [],
  matchedComparisons = [],
}: AnalysedTests): string[] {
  if (family === undefined || similarity === undefined) return []
  return [
    ...matchedComparisons.map(comparisonLine),
    ...familyLines(family),
    similarity.sentence,
    ...noiseLines(comparisons),
  ]
}

/** `warm - none at step 160: EM -20.1% (-30.0% to -10.2%), p 0.004` */
export function comparisonLine(comparison: Comparison): string {
  const { name, difference, p, absentP, signFlipP, notComparable, scope } = comparison
  if (notComparable !== null) return `${name}: ${notComparable}`
  const { estimate, low, high, reliability, absent } = difference
  if (estimate === null) return `${name}: ${absent}`
  const interval =
    low === null
      ? ` (no interval: ${absent})`
      : ` (${percent(low, 1)} to ${percent(high, 1)}${coverageText(reliability)})`
  const test = p === null ? `, no p: ${absentP}` : `, p ${p.toPrecision(2)}`
  const flip = signFlipP === null ? '' : `, sign-flip p ${signFlipP.toPrecision(2)}`
  return `${name}: EM ${percent(estimate, 1)}${interval}${test}${flip}; ${scope}`
}

function coverageText(reliability: Comparison['difference']['reliability']): string {
  if (reliability === undefined || reliability.isReliable) return ''
  const { coverage } = reliability
  if (coverage === null) return '; coverage not simulated for so few questions'
  return `; covers ${percent(coverage.lowest)} to ${percent(coverage.highest)} in simulation, not 95%`
}

function familyLines({ tests, isDeclared, alpha, signFlipFloor }: Family): string[] {
  if (tests.length === 0) return []
  const adjusted = (p: number | null) => (p === null ? '-' : p.toPrecision(2))
  const found = tests.filter((test) => test.isRejectedByHolm).length
  return [
    `${found} of ${tests.length} tests of the ${isDeclared ? 'declared' : 'default'} family are significant at ${alpha} after Holm:`,
    ...tests.map(({ name, p, absent, holm, benjaminiHochberg }) =>
      p === null
        ? `  ${name}: no p (${absent}); it counts in the ${tests.length}`
        : `  ${name}: p ${p.toPrecision(2)}, Holm ${adjusted(holm)}, Benjamini-Hochberg ${adjusted(benjaminiHochberg)}`,
    ),
    ...(signFlipFloor === null ? [] : [signFlipFloor.sentence]),
  ]
}

function noiseLines(comparisons: readonly Comparison[]): string[] {
  return comparisons.flatMap(({ name, sharedNoise }) => {
    if (sharedNoise === null) return []
    const { estimate, low, high, absent } = sharedNoise.removed
    if (estimate === null) return [`shared noise, ${name}: ${absent}`]
    const interval = low === null ? '' : ` (${percent(low)} to ${percent(high)})`
    return [
      `shared noise, ${name}: ${percent(estimate)} of the sampling variance removed${interval}`,
    ]
  })
}
