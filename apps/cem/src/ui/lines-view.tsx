import { Box } from 'ink'
import type { ReactElement } from 'react'
import { Text } from './text.tsx'
import type { Line } from './text-lines.ts'

export interface LinesViewProps {
  readonly lines: readonly Line[]
  /** Lines that are scrolled over. */
  readonly scroll: number
  readonly width: number
  readonly height: number
}

/** The most that lines can be scrolled by in so much height. */
export function maxScrollOf(nLines: number, height: number): number {
  return Math.max(0, nLines - Math.max(1, height))
}

/** Wrapped lines in a window; the last line says how many are below it. */
export function LinesView({ lines, scroll, width, height }: LinesViewProps): ReactElement {
  const first = Math.min(scroll, maxScrollOf(lines.length, height))
  const below = lines.length - first - height
  const shown = lines.slice(first, first + (below > 0 ? height - 1 : height))
  return (
    <Box flexDirection="column" width={width} height={height} overflow="hidden" flexShrink={0}>
      {shown.map((line, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: lines have no identity but their place
        <Text key={first + i} wrap="truncate">
          {line.length === 0
            ? ' '
            : line.map((segment, j) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: segments have no identity but their place
                <Text key={j} {...styleOf(segment)}>
                  {segment.text}
                </Text>
              ))}
        </Text>
      ))}
      {below > 0 ? <Text dimColor>… {below + 1} more lines (PgDn)</Text> : null}
    </Box>
  )
}

function styleOf({ color, backgroundColor, dimColor, bold }: Line[number]) {
  return {
    ...(color === undefined ? {} : { color }),
    ...(backgroundColor === undefined ? {} : { backgroundColor }),
    ...(dimColor === true ? { dimColor } : {}),
    ...(bold === true ? { bold } : {}),
  }
}
