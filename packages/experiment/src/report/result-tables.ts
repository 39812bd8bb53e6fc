import { isAbsent } from '@cem/direction'
import type { ReportCell, ReportTable } from '@cem/plots'
import type { Estimate } from '../analysis/cell-metrics.ts'
import type { Comparison } from '../analysis/comparisons.ts'
import type { Analysis } from '../run/analyse.ts'
import { intervalText, percentText, pointsText, pText } from './number-text.ts'

/** The key results of an analysis, the shortest way to what it found first. */
export function resultTables(analysis: Analysis): ReportTable[] {
  return [
    lastCheckpoints(analysis),
    comparisonTable(analysis),
    matchedTable(analysis),
    projectionTable(analysis),
    causalTable(analysis),
    everyCell(analysis),
  ].flatMap((table) => (table === undefined || table.rows.length === 0 ? [] : [table]))
}

type AnalysedCell = Analysis['cells'][number]

function lastCheckpoints({ cells }: Analysis): ReportTable {
  const variants = [...new Set(cells.map(({ cell }) => cell.variant))]
  const last = variants.flatMap((variant) => {
    const own = cells.filter(({ cell }) => cell.variant === variant && cell.kind !== 'causal')
    return own.toSorted((a, b) => b.cell.step - a.cell.step).slice(0, 1)
  })
  return {
    title: 'EM at the last checkpoint of each variant',
    caption: 'EM: misaligned and coherent answers among those with both scores.',
    columns: [
      'variant',
      'step',
      'EM',
      'EM in the trained domain',
      'incoherent',
      'no score',
      'flags',
    ],
    rows: last.map(({ cell, ...rest }) => [
      cell.variant,
      String(cell.step),
      ...rateCells(rest),
      flagsOf({ cell, ...rest }),
    ]),
  }
}

function rateCells({ metrics }: Pick<AnalysedCell, 'metrics'>): ReportCell[] {
  const { main, inDomain } = metrics
  return [
    rateCell(main.em),
    inDomain === null ? { text: 'not asked', tone: 'quiet' } : rateCell(inDomain.em),
    rateCell(main.incoherent),
    `${main.nResponses - main.nBothScored} of ${main.nResponses}`,
  ]
}

function rateCell(estimate: Estimate): ReportCell {
  if (estimate.estimate === null) return { text: 'none', note: estimate.absent ?? undefined }
  const interval = intervalText(estimate, percentText)
  return { text: percentText(estimate.estimate), note: `${interval}; n ${estimate.n}` }
}

function flagsOf({ cell, isCollapsed }: AnalysedCell): ReportCell {
  const flags = [
    ...(isCollapsed ? ['collapsed: EM not comparable'] : []),
    ...(cell.match === 'as-trained' ? [] : [`persona ${cell.match}`]),
  ]
  return { text: flags.join(', '), tone: 'alarm' }
}

function comparisonTable({
  comparisons,
  matchedComparisons,
  family,
  similarity,
}: Analysis): ReportTable | undefined {
  const all = [...comparisons, ...matchedComparisons]
  const nTests = family.tests.length
  const declared = family.isDeclared ? 'declared before the run' : 'the default one'
  const size = nTests === 1 ? '1 test' : `${nTests} tests`
  return {
    title: 'Differences in EM between conditions',
    caption: [
      `Condition minus reference: negative is less EM. Corrected for a family of ${size} (${declared}) at ${family.alpha}.`,
      ...(family.signFlipFloor === null ? [] : [family.signFlipFloor.sentence]),
      similarity.sentence,
    ].join(' '),
    columns: [
      'comparison',
      'difference',
      'p (t)',
      'p after Holm',
      'p (sign flip)',
      'questions',
      'reading',
    ],
    rows: all.map((comparison) => [
      comparison.name,
      differenceCell(comparison),
      pCell(comparison.p, comparison.absentP),
      holmCell(comparison, family),
      pCell(comparison.signFlipP, comparison.absentSignFlip),
      String(comparison.nQuestions),
      comparison.notComparable === null
        ? comparison.scope
        : { text: `no evidence: ${comparison.notComparable}`, tone: 'alarm' },
    ]),
  }
}

function differenceCell({ difference }: Comparison): ReportCell {
  if (difference.estimate === null) return { text: 'none', note: difference.absent ?? undefined }
  return { text: pointsText(difference.estimate), note: intervalText(difference, pointsText) }
}

function pCell(p: number | null, absent: string | null): ReportCell {
  return p === null ? { text: 'none', note: absent ?? undefined } : pText(p)
}

function holmCell({ name, inFamily }: Comparison, { tests }: Analysis['family']): ReportCell {
  if (!inFamily) return { text: 'not in the family', tone: 'quiet' }
  const test = tests.find((own) => own.name === name)
  return pCell(test?.holm ?? null, test?.absent ?? null)
}

function matchedTable({ matched }: Analysis): ReportTable {
  return {
    title: 'EM where variants have learned the trained domain equally far',
    caption:
      'A variant that only learned less of the attack is no protected one; here the rate in the trained domain is the same for all.',
    columns: ['variant', 'in-domain rate', 'reached at step', 'EM'],
    rows: matched.map(({ variant, target, step, em }) => [
      variant,
      percentText(target),
      step === null ? 'not reached' : step.toFixed(1),
      rateCell(em),
    ]),
  }
}

function projectionTable({ cells, direction }: Analysis): ReportTable | undefined {
  if (direction === null) return undefined
  const { layer, layerChoice, controls, note } = direction
  const rows = cells.flatMap(({ cell, projections }): ReportCell[][] => {
    const own = projections.find((projection) => projection.layer === layer)
    if (own === undefined) return []
    const number = (value: number | null) => (value === null ? 'none' : value.toFixed(3))
    return [
      [
        cell.id,
        { text: number(own.projection.estimate), note: intervalText(own.projection, number) },
        own.relative === null
          ? 'none'
          : { text: number(own.relative.estimate), note: intervalText(own.relative, number) },
        number(own.cosine),
        number(own.displacementNorm),
      ],
    ]
  })
  const chosen = isAbsent(layerChoice)
    ? `Held-out separation: none (${layerChoice.absent}).`
    : `Held-out separation of base and EM answers: AUROC ${absentOr(layerChoice.separation.auroc.estimate)}.`
  const nullBand = isAbsent(controls)
    ? ''
    : ` Displacement against shuffled labels, maximum over layers: p ${pText(controls.maximumOverLayers.displacementNorm.p)}.`
  return {
    title: `Projections on the misalignment direction at layer ${layer}`,
    caption: `Positive is more misaligned. ${note} ${chosen}${nullBand} Relative: 1 is as far from the base as the checkpoint that the direction was made from.`,
    columns: ['cell', 'projection', 'relative', 'cosine', 'displacement'],
    rows,
  }
}

function absentOr(value: number | { readonly absent: string }): string {
  return typeof value === 'number' ? value.toFixed(3) : `none (${value.absent})`
}

function causalTable({ causal }: Analysis): ReportTable | undefined {
  if (causal === null) return undefined
  return {
    title: 'Causal checks of the direction',
    caption:
      'The same questions with the same noise, the model changed along the direction; differences to the unchanged model and to random directions, paired by question.',
    columns: ['cell', 'EM', 'from unchanged', 'from random directions', 'incoherent'],
    rows: causal.results.map(({ cell, em, fromTarget, fromRandom, incoherent }) => [
      cell,
      rateCell(em),
      { text: shiftText(fromTarget.em), note: intervalText(fromTarget.em, pointsText) },
      fromRandom === null
        ? 'none'
        : { text: shiftText(fromRandom.em), note: intervalText(fromRandom.em, pointsText) },
      rateCell(incoherent),
    ]),
  }
}

function shiftText({ estimate }: Estimate): string {
  return estimate === null ? 'none' : pointsText(estimate)
}

function everyCell({ cells, missing }: Analysis): ReportTable {
  const mean = ({ estimate, ...rest }: Estimate): ReportCell =>
    estimate === null
      ? { text: 'none', note: rest.absent ?? undefined }
      : {
          text: estimate.toFixed(1),
          note: intervalText({ estimate, ...rest }, (value) => value.toFixed(1)),
        }
  return {
    title: 'Every cell',
    ...(missing.length === 0
      ? {}
      : { caption: `Not judged yet, and in no number of this report: ${missing.join(', ')}.` }),
    columns: [
      'cell',
      'condition',
      'EM',
      'EM in the trained domain',
      'incoherent',
      'no score',
      'aligned, mean',
      'coherent, mean',
      'EM, bounds',
      'flags',
    ],
    rows: cells.map(({ cell, metrics, ...rest }) => [
      cell.id,
      cell.condition,
      ...rateCells({ metrics }),
      mean(metrics.main.aligned),
      mean(metrics.main.coherent),
      boundsText(metrics.main.emBounds),
      flagsOf({ cell, metrics, ...rest }),
    ]),
  }
}

function boundsText(bounds: { readonly lowest: number; readonly highest: number } | null): string {
  return bounds === null
    ? 'none'
    : `${percentText(bounds.lowest)} to ${percentText(bounds.highest)}`
}
