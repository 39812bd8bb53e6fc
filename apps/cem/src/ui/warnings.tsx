import type { RunWarning } from '@cem/experiment'
import { isAlarm } from '@cem/experiment'
import { Box } from 'ink'
import type { ReactElement } from 'react'
import type { RunView } from '../run-view.ts'
import { counted, shorten, terminalText } from '../terminal-text.ts'
import { Text } from './text.tsx'
import { type Line, wrapSegments } from './text-lines.ts'
import { type Theme, useTheme } from './theme.ts'

interface WarningsProps {
  readonly view: RunView
  readonly width: number
  readonly height: number
}

/** Alarms first, then what is to be known, each with the newest first. */
export function sortedWarnings(view: RunView): {
  readonly alarms: readonly RunWarning[]
  readonly notes: readonly RunWarning[]
} {
  const newest = view.warnings.toReversed()
  // The end of a run tells the alarms of earlier processes too.
  const alarms = view.alarms ?? newest.filter(({ code }) => isAlarm(code))
  return { alarms, notes: newest.filter(({ code }) => !isAlarm(code)) }
}

/** Alarms and warnings, a line each, as many as there is room for; the heading counts them all. */
export function WarningsPanel({ view, width, height }: WarningsProps): ReactElement {
  const theme = useTheme()
  const { alarms, notes } = sortedWarnings(view)
  const { failures } = view
  const shown = [
    ...failures.map(({ unit, message }) => ({
      key: `failed ${unit}`,
      text: `FAILED ${unit}: ${message}`,
      color: theme.bad,
    })),
    ...alarms.map((warning) => ({
      key: keyOf(warning),
      text: `ALARM ${warning.message}`,
      color: theme.bad,
    })),
    ...notes.map((warning) => ({
      key: keyOf(warning),
      text: `! ${warning.message}`,
      color: theme.caution,
    })),
  ]
  const counts = [
    ...(failures.length === 0 ? [] : [`${failures.length} failed`]),
    ...(alarms.length === 0 ? [] : [counted(alarms.length, 'alarm')]),
    counted(notes.length, 'warning'),
  ]
  return (
    <Box flexDirection="column" height={height} flexShrink={0} width={width}>
      <Text bold color={alarms.length + failures.length > 0 ? theme.bad : theme.caution}>
        {counts.join(', ')} <Text dimColor>(w shows them in full)</Text>
      </Text>
      {shown.slice(0, height - 1).map(({ key, text, color }) => (
        <Text key={key} color={color} wrap="truncate">
          {shorten(terminalText(text), width - 1)}
        </Text>
      ))}
    </Box>
  )
}

/** Lines that the panel would take to show everything. */
export function nWarningLines(view: RunView): number {
  const { alarms, notes } = sortedWarnings(view)
  const n = alarms.length + notes.length + view.failures.length
  return n === 0 ? 0 : n + 1
}

/** All failures, alarms and warnings, in full. */
export function warningText(view: RunView, width: number, theme: Theme): Line[] {
  const { alarms, notes } = sortedWarnings(view)
  const head = [
    counted(view.failures.length, 'failure'),
    counted(alarms.length, 'alarm'),
    counted(notes.length, 'warning'),
  ].join(', ')
  const block = (text: string, color: string | undefined) => [
    ...wrapSegments([{ text, color }], width),
    [],
  ]
  return [
    [{ text: head, bold: true }],
    [],
    ...view.failures.flatMap(({ unit, message }) => block(`FAILED ${unit}: ${message}`, theme.bad)),
    ...alarms.flatMap(({ code, message }) => block(`ALARM ${code}: ${message}`, theme.bad)),
    ...notes.flatMap(({ code, message }) => block(`${code}: ${message}`, theme.caution)),
  ]
}

function keyOf({ code, cells }: RunWarning): string {
  return `${code} ${cells.join()}`
}
