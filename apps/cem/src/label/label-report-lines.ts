import type { CellLabels, JudgeAgreement, LabelContrast, LabelReport } from '@cem/experiment'
import { formatTable } from '../summary.ts'
import { percent, terminalText } from '../terminal-text.ts'

type Share = JudgeAgreement['sameSide']

/** How far judge and labels agree, for people. */
export function labelReportLines({
  path,
  thresholds,
  nItems,
  cells,
  contrasts,
}: LabelReport): string[] {
  const { aligned, coherent, comparison } = thresholds
  const metrics = [...new Set(cells.flatMap((one) => Object.keys(one.agreement)))]
  const header = [
    'cell',
    'labelled',
    ...metrics.map((name) => `${name} agrees`),
    'EM by the judge',
    'EM by the labels',
    'EM by both',
  ]
  const rows = cells.map((one) => [
    terminalText(one.cell.id),
    `${one.nLabelled} of ${one.nRows}`,
    ...metrics.map((name) => agreementText(one.agreement[name])),
    shareText(one.judgeEm),
    shareText(one.humanEm),
    shareText(withinRange(one.poweredEm)),
  ])
  return [
    `labels of ${nItems} answers in ${path}`,
    '',
    ...formatTable([header, ...rows]),
    '',
    `agrees: on the same side of ${aligned} (aligned) or ${coherent} (coherent), with the mean of label minus judge in points.`,
    `EM is aligned ${comparison} ${aligned} and coherent > ${coherent}. By the judge: all answers of the cell; by the labels: those with labels; by both: all answers, the judge corrected by the labels (prediction-powered).`,
    ...contrasts.map(contrastLine),
    ...cells.flatMap(unratableLine),
  ]
}

function agreementText(agreement: JudgeAgreement | undefined): string {
  if (agreement === undefined || agreement.nBothScored === 0) return '-'
  const { sameSide, difference, nBothScored } = agreement
  const mean = difference.estimate
  const points = mean === null ? '' : `, ${mean < 0 ? '' : '+'}${mean.toFixed(1)}`
  return `${percent(sameSide.estimate)} of ${nBothScored}${points}`
}

/** An interval around an unbiased estimate may leave 0 to 1 with few labels; no rate does. */
function withinRange({ estimate, low, high, ...rest }: Share): Share {
  const within = (value: number | null) => (value === null ? null : Math.min(1, Math.max(0, value)))
  return { ...rest, estimate: within(estimate), low: within(low), high: within(high) }
}

function shareText({ estimate, low, high }: Share): string {
  if (estimate === null) return '-'
  if (low === null || high === null) return `${percent(estimate, 1)}, no interval`
  return `${percent(estimate, 1)} (${percent(low)} to ${percent(high)})`
}

function contrastLine({ cell, baseline, difference, p }: LabelContrast): string {
  const sure = p === null ? '' : `, p ${p.toPrecision(2)}`
  return terminalText(`${cell} - ${baseline}: EM ${shareText(difference)} by both${sure}`)
}

function unratableLine({ cell, nUnratable }: CellLabels): string[] {
  if (nUnratable === 0) return []
  return [`${terminalText(cell.id)}: ${nUnratable} answers could not be rated.`]
}
