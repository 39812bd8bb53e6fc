import { isAbsent } from '@cem/direction'
import { type DifferenceRow, resistanceForest } from '@cem/plots'
import type { Comparison } from '../analysis/comparisons.ts'
import { type FigureSource, percent, type RunFigure } from './run-figure.ts'

/** Differences in EM with their margin, and differences in how the projection rises. */
export function forestFigures(source: FigureSource): RunFigure[] {
  return [...emForest(source), ...projectionForest(source)]
}

function emForest({ analysis, styles, look }: FigureSource): RunFigure[] {
  const { comparisons, similarity, equivalence, family } = analysis
  // Results of earlier versions have none.
  const matchedComparisons = analysis.matchedComparisons ?? []
  const intervals = new Map((equivalence ?? []).map((each) => [each.name, each]))
  const adjusted = new Map(
    (family?.tests ?? []).flatMap((test) =>
      test.holm === null ? [] : [[test.name, test.holm] as const],
    ),
  )
  const nameOf = variantNames(analysis)
  const all = lastOfEach([...comparisons, ...matchedComparisons])
  const rows = all.map((comparison): DifferenceRow => {
    const { name, condition, baseline, difference, notComparable } = comparison
    const test = intervals.get(name)
    return {
      variant: nameOf(condition),
      condition,
      against: nameOf(baseline),
      group: placeOf(comparison),
      difference: percent(difference.estimate),
      low: percent(difference.low),
      high: percent(difference.high),
      equivalenceLow: percent(test?.low ?? null),
      equivalenceHigh: percent(test?.high ?? null),
      p: adjusted.get(name) ?? comparison.p,
      n: comparison.nQuestions,
      notComparable: notComparable?.replace(/^EM not comparable: /, '') ?? null,
    }
  })
  if (rows.length === 0) return []
  const margin = similarity?.margin ?? null
  const hasAdjusted = all.some(({ name }) => adjusted.has(name))
  return [
    {
      kind: 'forest',
      name: `resistance_${analysis.run}`,
      spec: resistanceForest(rows, {
        ...look,
        title: 'Who resists: EM against the baseline',
        subtitle: hasAdjusted ? 'p of the family of tests corrected by Holm' : undefined,
        styles,
        margin: margin === null ? undefined : Number((100 * margin).toPrecision(6)),
        ends: ['less EM', 'more EM'],
        intervalMethod: methodsOf(all),
      }),
    },
  ]
}

/** The same pair at one kind of place once: runs compare at every step, the figure shows the last. */
function lastOfEach(comparisons: readonly Comparison[]): Comparison[] {
  const last = new Map<string, Comparison>()
  for (const comparison of comparisons) {
    const { condition, baseline, step, target } = comparison
    const key = JSON.stringify([condition, baseline, target])
    const known = last.get(key)
    if (known === undefined || (step ?? -1) >= (known.step ?? -1)) last.set(key, comparison)
  }
  return [...last.values()]
}

function placeOf({ step, target }: Comparison): string {
  if (target !== null) return `At in-domain rate ${Number((100 * target).toPrecision(6))} %`
  return step === null ? 'At the last common step' : `At step ${step}`
}

/** A condition with one variant goes by the variant's name, as in the other figures. */
function variantNames({ cells }: FigureSource['analysis']): (condition: string) => string {
  const variants = Map.groupBy(
    cells.filter(({ cell }) => cell.kind === 'checkpoint'),
    ({ cell }) => cell.condition,
  )
  return (condition) => {
    const names = new Set(variants.get(condition)?.map(({ cell }) => cell.variant))
    const [only] = names
    return names.size === 1 && only !== undefined ? only : condition
  }
}

/** Each method once; where only its degrees of freedom differ, without them. */
function methodsOf(comparisons: readonly Comparison[]): string | undefined {
  const methods = new Set(comparisons.flatMap(({ difference }) => difference.method ?? []))
  const plain = (method: string) => method.replace(/\([\d.]+\)/, '')
  const words = [...Map.groupBy(methods, plain)].map(([word, [first, ...others]]) =>
    others.length === 0 ? first : word,
  )
  return words.length === 0 ? undefined : words.join('; ')
}

/** Variants against the direction's baseline: area under the relative projection, and the delay of its rise. */
function projectionForest({ analysis, styles, look }: FigureSource): RunFigure[] {
  const { direction } = analysis
  const rows = (direction?.resistance ?? []).flatMap(
    ({ variant, fromBaseline }): DifferenceRow[] => {
      if (fromBaseline === null || direction === null) return []
      const { estimate, interval, p } = fromBaseline.tests.area
      return [
        {
          variant,
          against: direction.baseline,
          difference: isAbsent(estimate) ? null : estimate,
          low: isAbsent(interval) ? null : interval.low,
          high: isAbsent(interval) ? null : interval.high,
          p: isAbsent(p) ? null : p,
          n: fromBaseline.nQuestions,
        },
      ]
    },
  )
  if (rows.length === 0 || direction === null) return []
  return [
    {
      kind: 'projection-forest',
      name: `projection_resistance_${analysis.run}`,
      spec: resistanceForest(rows, {
        ...look,
        title: `Whose projection rises less, layer ${direction.layer}`,
        subtitle: `${direction.baseline} made the direction: its own rise is the largest by construction`,
        styles,
        measure: 'difference in mean rise, lengths of the direction’s displacement',
        ends: ['rises less', 'rises more'],
        intervalMethod: 't over per-question differences',
      }),
    },
  ]
}
