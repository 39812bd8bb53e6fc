import { Box, Text } from 'ink'
import type { ReactElement } from 'react'
import { runTimeLeft } from '../estimate.ts'
import type { RunView } from '../run-view.ts'
import { duration, terminalText } from '../terminal-text.ts'

export interface HeaderProps {
  readonly view: RunView
  readonly now: number
  readonly isPaused: boolean
  readonly isStopping: boolean
  readonly width: number
}

/** Which run, how far, for how long, and what it is doing. */
export function Header({ view, now, isPaused, isStopping, width }: HeaderProps): ReactElement {
  const units = [...view.cells.values()].flatMap((cell) => [cell.generate, cell.judge])
  const nDone = units.filter((unit) => unit.state === 'done').length
  const elapsed = view.startedAt === null ? '' : duration(now - view.startedAt)
  const left = view.outcome === null ? runTimeLeft(view, now) : null
  const state = isStopping
    ? 'stopping after the current step'
    : isPaused
      ? 'PAUSED (p goes on)'
      : (view.outcome ?? (view.isAnalysing ? 'analysing, drawing figures' : 'running'))
  return (
    <Box width={width} justifyContent="space-between">
      <Text bold wrap="truncate">
        cem · {terminalText(view.run) || 'starting'} ·{' '}
        <Text color={isPaused || isStopping ? 'yellow' : 'cyan'}>{state}</Text>
      </Text>
      <Text wrap="truncate">
        {nDone} of {units.length} units · {elapsed}
        {left === null ? '' : ` · about ${duration(left)} left`}
      </Text>
    </Box>
  )
}
