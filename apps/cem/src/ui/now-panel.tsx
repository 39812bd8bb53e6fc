import { Box } from 'ink'
import type { ReactElement } from 'react'
import { unitTimeLeft } from '../estimate.ts'
import { type CellPhase, type RunView, runningCells, type UnitView } from '../run-view.ts'
import { duration, shorten, terminalText } from '../terminal-text.ts'
import { Text } from './text.tsx'
import { useTheme } from './theme.ts'

export interface NowPanelProps {
  readonly view: RunView
  readonly now: number
  readonly width: number
}

/** What is generated and judged now: two lines. */
export function NowPanel({ view, now, width }: NowPanelProps): ReactElement {
  return (
    <Box flexDirection="column" flexShrink={0} width={width}>
      {(['generate', 'judge'] as const).map((phase) => (
        <PhaseLine key={phase} view={view} phase={phase} now={now} width={width} />
      ))}
    </Box>
  )
}

/** The width of the names at the left of the panels. */
export const nameWidth = 10

function PhaseLine({
  view,
  phase,
  now,
  width,
}: NowPanelProps & { readonly phase: CellPhase }): ReactElement {
  const theme = useTheme()
  const running = runningNow(view, phase)
  if (running === undefined)
    return (
      <Text dimColor wrap="truncate">
        {phase.padEnd(nameWidth)}
        {idleText(view, phase)}
      </Text>
    )
  const { name, unit, tokensPerSecond } = running
  const left = unitTimeLeft(unit, now)
  const parts = [
    `${unit.done} of ${unit.total}`,
    ...(tokensPerSecond === null ? [] : [`${Math.round(tokensPerSecond)} tokens/s`]),
    ...(left === null ? [] : [`${duration(left)} left`]),
  ]
  const barWidth = width >= 100 ? 24 : 12
  const room = width - nameWidth - barWidth - parts.join(' · ').length - 3
  return (
    <Text wrap="truncate">
      {phase.padEnd(nameWidth)}
      <Text color={theme.accent}>{shorten(terminalText(name), Math.max(10, room))}</Text>{' '}
      {bar(unit.done, unit.total, barWidth)} {parts.join(' · ')}
    </Text>
  )
}

function idleText({ cells, outcome }: RunView, phase: CellPhase): string {
  const units = [...cells.values()].map((cell) => cell[phase])
  if (units.length > 0 && units.every(({ state }) => state === 'done')) return 'done'
  if (outcome !== null) return 'ended'
  const nFailed = units.filter(({ state }) => state === 'failed').length
  if (nFailed > 0 && units.every(({ state }) => state === 'done' || state === 'failed'))
    return `${nFailed} failed`
  return phase === 'judge' ? 'waits for answers' : '-'
}

/** Units of a phase that run side by side are one piece of work: cells judged interleaved, or shards. */
function runningNow(view: RunView, phase: CellPhase) {
  const running = runningCells(view, phase)
  const [first] = running
  if (first === undefined) return undefined
  const units = running.map((cell) => cell[phase])
  const sum = (pick: (unit: UnitView) => number) =>
    units.reduce((total, unit) => total + pick(unit), 0)
  const speeds = units.flatMap(({ tokensPerSecond }) => tokensPerSecond ?? [])
  return {
    name: running.length === 1 ? first.cell.id : `${running.length} cells`,
    unit: {
      ...first[phase],
      done: sum(({ done }) => done),
      total: sum(({ total }) => total),
      doneAtStart: sum(({ doneAtStart }) => doneAtStart),
    },
    tokensPerSecond: speeds.length === 0 ? null : speeds.reduce((total, one) => total + one, 0),
  }
}

function bar(done: number, total: number, width: number): string {
  const filled = total === 0 ? 0 : Math.round((done / total) * width)
  return '█'.repeat(filled) + '░'.repeat(width - filled)
}
