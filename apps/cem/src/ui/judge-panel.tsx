import { Box } from 'ink'
import type { ReactElement } from 'react'
import { judgeRates, spentUsd } from '../judge-view.ts'
import { type RunView, runningCells } from '../run-view.ts'
import { nameWidth } from './now-panel.tsx'
import { Text } from './text.tsx'
import { useTheme } from './theme.ts'

export interface JudgePanelProps {
  readonly view: RunView
  readonly now: number
  /** `judge.maxCostUsd`; null: none; undefined: not known here. */
  readonly limitUsd: number | null | undefined
  readonly width: number
}

/** The judge's calls, what it could not score, and what it costs: two lines. */
export function JudgePanel({ view, now, limitUsd, width }: JudgePanelProps): ReactElement {
  const theme = useTheme()
  const { calls, cached, failures, inFlight } = view.judge.counters
  const { callsPerMinute } = judgeRates(view.judge, now)
  const queued = runningCells(view, 'judge').reduce(
    (sum, { judge }) => sum + judge.total - judge.done,
    0,
  )
  const rate = callsPerMinute === null ? '' : `${Math.round(callsPerMinute)}/min · `
  return (
    <Box flexDirection="column" flexShrink={0} width={width}>
      <Text wrap="truncate" dimColor={calls === 0 && cached === 0}>
        {'calls'.padEnd(nameWidth)}
        {rate}
        {queued} queued · {inFlight} under way · {calls} made · {cached} cached ·{' '}
        <Text color={failures > 0 ? theme.bad : undefined}>{failures} failed</Text>
      </Text>
      <Text wrap="truncate">
        {'judged'.padEnd(nameWidth)}
        <SpendText
          spent={spentUsd(view.judge) ?? (typeof limitUsd === 'number' ? 0 : null)}
          isAsked={calls > 0}
          limitUsd={limitUsd}
        />{' '}
        · {unscoredText(view)}
      </Text>
    </Box>
  )
}

function SpendText({
  spent,
  isAsked,
  limitUsd,
}: {
  readonly spent: number | null
  /** Whether the judge was called: only its answers tell that there are no prices. */
  readonly isAsked: boolean
  readonly limitUsd: number | null | undefined
}): ReactElement {
  const theme = useTheme()
  if (spent === null)
    return <Text dimColor>{isAsked ? 'cost unknown (no prices)' : 'nothing spent yet'}</Text>
  const share = !limitUsd ? 0 : spent / limitUsd
  const color = share >= 0.9 ? theme.bad : share >= 0.7 ? theme.caution : undefined
  const limit =
    limitUsd == null
      ? ` USD${limitUsd === null ? ', no limit' : ''}`
      : ` of ${limitUsd.toFixed(2)} USD (${Math.round(share * 100)}%)`
  return (
    <Text color={color}>
      {spent.toFixed(2)}
      {limit}
    </Text>
  )
}

/**
 * Scores that are missing, by reason: those of the cells that are judged, or of the answers that the judge has given verdicts for in this
 * process, whichever are more. Cells that are judged together end together.
 */
export function unscoredText({ cells, judge }: RunView): string {
  const counts: Record<string, number> = {}
  let nRows = 0
  for (const { metrics } of cells.values())
    for (const set of [metrics?.main, metrics?.inDomain, metrics?.benign]) {
      if (set == null) continue
      nRows += set.nResponses
      for (const reasons of Object.values(set.unscored))
        for (const [reason, n] of Object.entries(reasons))
          counts[reason] = (counts[reason] ?? 0) + n
    }
  for (const [reason, n] of Object.entries(judge.counters.unscored ?? {}))
    counts[reason] = Math.max(counts[reason] ?? 0, n)
  const all = Object.entries(counts).toSorted(([, a], [, b]) => b - a)
  const total = all.reduce((sum, [, n]) => sum + n, 0)
  if (total === 0)
    return nRows === 0 ? 'no cell judged yet' : `no score missing in ${nRows} answers`
  return `${total} scores missing: ${all.map(([reason, n]) => `${reason} ${n}`).join(', ')}`
}
