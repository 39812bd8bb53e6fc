import { Box } from 'ink'
import type { ReactElement } from 'react'
import { runTimeLeft } from '../estimate.ts'
import type { RunView } from '../run-view.ts'
import { duration, terminalText } from '../terminal-text.ts'
import type { RunStatus } from './run-controls.ts'
import { Text } from './text.tsx'
import { useTheme } from './theme.ts'

export interface HeaderProps {
  readonly view: RunView
  readonly now: number
  readonly status: RunStatus
  readonly width: number
}

/** After so long without a word, a run of another process may be gone. */
const silenceInMs = 60_000

/** Which run, how far, for how long, and what it is doing. */
export function Header({ view, now, status, width }: HeaderProps): ReactElement {
  const theme = useTheme()
  const units = [...view.cells.values()].flatMap((cell) => [cell.generate, cell.judge])
  const nDone = units.filter((unit) => unit.state === 'done').length
  const end = view.outcome === null ? now : (view.lastAt ?? now)
  const elapsed = view.startedAt === null ? '' : ` · ${duration(end - view.startedAt)}`
  const { text, tone } = stateText(view, status, now)
  const name = `cem · ${terminalText(view.run) || 'starting'}`
  return (
    <Box width={width} justifyContent="space-between">
      <Box flexShrink={1}>
        <Text bold wrap="truncate">
          {name} · <Text color={theme[tone]}>{text}</Text>
        </Text>
      </Box>
      <Box flexShrink={0}>
        <Text>
          {'  '}
          {nDone}/{units.length} units{elapsed}
          {leftText(view, now)}
        </Text>
      </Box>
    </Box>
  )
}

function stateText(
  view: RunView,
  { isPaused, isStopping, stopsAfter, retries }: RunStatus,
  now: number,
): { readonly text: string; readonly tone: 'accent' | 'caution' | 'good' | 'bad' } {
  if (isStopping) return { text: 'stopping after the current step', tone: 'caution' }
  if (isPaused) return { text: 'PAUSED (p goes on)', tone: 'caution' }
  if (stopsAfter > 0)
    return { text: `stops when ${stopsAfter} running units have ended`, tone: 'caution' }
  if (view.outcome !== null)
    return { text: view.outcome, tone: view.outcome === 'complete' ? 'good' : 'bad' }
  const silence = view.lastAt === null ? 0 : now - view.lastAt
  if (silence > silenceInMs)
    return { text: `no word for ${duration(silence)}: is it still running?`, tone: 'caution' }
  if (retries) return { text: 'running, then failed units again', tone: 'accent' }
  return { text: view.isAnalysing ? 'analysing, drawing figures' : 'running', tone: 'accent' }
}

function leftText(view: RunView, now: number): string {
  if (view.outcome !== null) return ''
  const { total, isPartial } = runTimeLeft(view, now)
  if (total === null || total === 0) return ''
  return ` · ${isPartial ? 'over' : 'about'} ${duration(total)} left`
}
