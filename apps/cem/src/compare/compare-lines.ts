import { formatTable } from '../plain/format-table.ts'
import { estimateText } from '../plain/result-lines.ts'
import { percent, terminalText } from '../terminal-text.ts'
import type { ComparedCell, RunComparison } from './compare-runs.ts'

/** Two runs side by side, for people. */
export function compareLines(comparison: RunComparison): string[] {
  const { left, right, cells, onlyLeft, onlyRight, lock, alarms } = comparison
  const affecting = lock.filter(({ affectsResults }) => affectsResults)
  const others = lock.filter(({ affectsResults }) => !affectsResults)
  return [
    `A  ${left}`,
    `B  ${right}`,
    '',
    ...(cells.length === 0
      ? ['The runs have no cell in common.']
      : formatTable([
          ['cell', 'EM in A', 'EM in B', 'B - A', 'p', 'model'],
          ...cells.map(cellRow),
        ])),
    ...listed('only in A', onlyLeft),
    ...listed('only in B', onlyRight),
    '',
    ...(affecting.length === 0
      ? ['The locks are alike in all that results depend on.']
      : ['What differs in the locks, and changes results:', ...affecting.map(lockLine)]),
    ...(others.length === 0 ? [] : ['What differs besides:', ...others.map(lockLine)]),
    ...alarmText('A', alarms.left),
    ...alarmText('B', alarms.right),
  ].map(terminalText)
}

function cellRow({ cell, left, right, difference, isSameModel }: ComparedCell): string[] {
  const { estimate, low, high, p, absent } = difference
  const between =
    estimate === null
      ? (absent ?? '-')
      : `${signed(estimate)}${low === null ? ` (no interval: ${absent})` : ` (${signed(low)} to ${signed(high ?? 0)})`}`
  return [
    cell,
    left === null ? '-' : estimateText(left),
    right === null ? '-' : estimateText(right),
    between,
    p === null ? '-' : p.toPrecision(2),
    isSameModel === null ? 'unknown' : isSameModel ? 'same' : 'OTHER',
  ]
}

function signed(share: number): string {
  return `${share > 0 ? '+' : ''}${percent(share, 1)}`
}

function listed(name: string, ids: readonly string[]): string[] {
  return ids.length === 0 ? [] : [`${name}: ${ids.join(', ')}`]
}

function lockLine({ part, left, right }: RunComparison['lock'][number]): string {
  return `  ${part}: ${left} in A, ${right} in B`
}

function alarmText(name: string, alarms: RunComparison['alarms']['left']): string[] {
  return alarms.length === 0
    ? []
    : [
        `Alarms that stand in ${name} (docs/alarms.md):`,
        ...alarms.map(({ code, message }) => `  ALARM ${code}: ${message}`),
      ]
}
