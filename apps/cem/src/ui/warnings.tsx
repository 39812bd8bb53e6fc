import { Box, Text } from 'ink'
import type { ReactElement } from 'react'
import type { RunView } from '../run-view.ts'
import { shorten, terminalText } from '../terminal-text.ts'

interface WarningsProps {
  readonly view: RunView
  readonly width: number
  readonly height: number
}

/** The newest warnings, a line each. */
export function WarningsPanel({ view, width, height }: WarningsProps): ReactElement {
  const shown = view.warnings.slice(-(height - 1))
  const hidden = view.warnings.length - shown.length
  return (
    <Box flexDirection="column" height={height} flexShrink={0}>
      <Text color="yellow" bold>
        {view.warnings.length} warnings{hidden > 0 ? ` (w shows all)` : ''}
      </Text>
      {shown.map(({ code, message, cells }) => (
        <Text key={`${code}${cells.join()}`} color="yellow" wrap="truncate">
          ! {shorten(terminalText(message), width - 3)}
        </Text>
      ))}
    </Box>
  )
}

/** All warnings and failures, in full. */
export function WarningsView({
  view,
  scroll,
  height,
}: WarningsProps & { readonly scroll: number }): ReactElement {
  const failures = view.failures.map(({ unit, message }) => `FAILED ${unit}: ${message}`)
  const warnings = view.warnings.map(({ message }) => message)
  const all = [...failures, ...warnings].map(terminalText)
  const first = Math.max(0, Math.min(scroll, all.length - 1))
  return (
    <Box flexDirection="column" height={height} overflow="hidden">
      <Box flexShrink={0}>
        <Text bold>
          {failures.length} failures, {warnings.length} warnings
        </Text>
      </Box>
      {all.length === 0 ? <Text dimColor>none</Text> : null}
      {all.slice(first, first + height).map((text) => (
        // Without this, Ink takes lines from a text that does not fit.
        <Box key={text} flexShrink={0}>
          <Text color={text.startsWith('FAILED') ? 'red' : 'yellow'}>
            {text.startsWith('FAILED') ? '' : '! '}
            {text}
          </Text>
        </Box>
      ))}
    </Box>
  )
}
