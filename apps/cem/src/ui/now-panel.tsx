import { Box, Text } from 'ink'
import type { ReactElement } from 'react'
import { unitTimeLeft } from '../estimate.ts'
import { costText } from '../plain/judging-lines.ts'
import type { RunView, UnitView } from '../run-view.ts'
import { duration, shorten, terminalText } from '../terminal-text.ts'

export interface NowPanelProps {
  readonly view: RunView
  readonly now: number
  readonly width: number
}

/** What is generated and judged now. */
export function NowPanel({ view, now, width }: NowPanelProps): ReactElement {
  const generate = view.generating === null ? undefined : view.cells.get(view.generating)?.generate
  const judging = judgingNow(view)
  const speed =
    generate?.tokensPerSecond == null ? '' : `${Math.round(generate.tokensPerSecond)} tokens/s`
  const { calls, cached, failures, inFlight } = view.judge ?? {
    calls: 0,
    cached: 0,
    failures: 0,
    inFlight: 0,
  }
  return (
    <Box flexDirection="column" height={4} marginTop={1} flexShrink={0}>
      <UnitLine
        name="generate"
        cell={view.generating}
        unit={generate}
        now={now}
        note={speed}
        width={width}
      />
      <UnitLine
        name="judge"
        cell={judging?.name ?? null}
        unit={judging?.unit}
        now={now}
        note=""
        width={width}
      />
      <Text wrap="truncate" dimColor={view.judge === null}>
        {'judge calls'.padEnd(nameWidth)}
        {calls} calls{costText(view.judge?.costUsd)} · {cached} from the cache · {inFlight} under
        way · <Text {...(failures > 0 ? { color: 'red' } : {})}>{failures} failed</Text>
      </Text>
    </Box>
  )
}

/** Cells that are judged interleaved are one piece of work. */
function judgingNow(view: RunView): { readonly name: string; readonly unit: UnitView } | undefined {
  const running = [...view.cells].filter(([, { judge }]) => judge.state === 'running')
  const [first, second] = running
  if (first === undefined || view.judging === null) return undefined
  if (second === undefined) return { name: first[0], unit: first[1].judge }
  const units = running.map(([, { judge }]) => judge)
  const total = (pick: (unit: UnitView) => number) =>
    units.reduce((sum, unit) => sum + pick(unit), 0)
  return {
    name: `${running.length} cells`,
    unit: {
      ...first[1].judge,
      done: total(({ done }) => done),
      total: total((unit) => unit.total),
      doneAtStart: total(({ doneAtStart }) => doneAtStart),
    },
  }
}

const nameWidth = 13

interface UnitLineProps {
  readonly name: string
  readonly cell: string | null
  readonly unit: UnitView | undefined
  readonly now: number
  readonly note: string
  readonly width: number
}

function UnitLine({ name, cell, unit, now, note, width }: UnitLineProps): ReactElement {
  if (cell === null || unit === undefined) return <Text dimColor>{name.padEnd(nameWidth)}-</Text>
  const left = unitTimeLeft(unit, now)
  const parts = [
    `${unit.done} of ${unit.total}`,
    ...(note === '' ? [] : [note]),
    ...(left === null ? [] : [`${duration(left)} left`]),
  ]
  const label = shorten(terminalText(cell), Math.max(10, Math.min(36, width - 60)))
  return (
    <Text wrap="truncate">
      {name.padEnd(nameWidth)}
      <Text color="cyan">{label}</Text> {bar(unit.done, unit.total, 16)} {parts.join(' · ')}
    </Text>
  )
}

function bar(done: number, total: number, width: number): string {
  const filled = total === 0 ? 0 : Math.round((done / total) * width)
  return '█'.repeat(filled) + '░'.repeat(width - filled)
}
