import type { CellMetrics } from '@cem/experiment'
import { type TerminalRow, terminalCurve } from '@cem/plots'
import { Box } from 'ink'
import { type ReactElement, useMemo } from 'react'
import type { RunView } from '../run-view.ts'
import { percent, shorten, terminalText } from '../terminal-text.ts'
import { Text } from './text.tsx'
import { type Theme, useTheme } from './theme.ts'

/** Marks tell the lines apart where there is no colour. */
const endMarks = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'

type Share = CellMetrics['main']['em']

/** What a curve is of. */
export interface CurveMeasure {
  readonly title: string
  readonly of: (metrics: CellMetrics) => Share | undefined
}

const emCurve: CurveMeasure = { title: 'EM %', of: ({ main }) => main.em }
const inDomainCurve: CurveMeasure = {
  title: 'EM % in the trained domain',
  of: ({ inDomain }) => inDomain?.em,
}
const incoherentCurve: CurveMeasure = { title: 'Incoherent %', of: ({ main }) => main.incoherent }

/** EM, and what has to be seen beside it: how far the trained domain was learned, else how much is incoherent. */
export function curveMeasures({ cells }: RunView): readonly [CurveMeasure, CurveMeasure] {
  const hasDomain = [...cells.values()].some(({ metrics }) => metrics?.inDomain != null)
  return [emCurve, hasDomain ? inDomainCurve : incoherentCurve]
}

export interface CurvePanelProps {
  readonly view: RunView
  readonly measure: CurveMeasure
  readonly width: number
  readonly height: number
}

/** A share against the training step, as far as it is known, with a legend. */
export function CurvePanel({ view, measure, width, height }: CurvePanelProps): ReactElement {
  const theme = useTheme()
  const legendWidth = Math.min(34, Math.floor(width / 3))
  const { cells } = view
  const curve = useMemo(() => {
    const rows = [...cells.values()].flatMap(({ cell, metrics }): TerminalRow[] => {
      const share = metrics === null ? undefined : measure.of(metrics)
      if (cell.kind !== 'checkpoint' || share === undefined) return []
      const { estimate, low, high } = share
      const times = (value: number | null) => (value === null ? null : value * 100)
      return [
        {
          variant: cell.variant,
          step: cell.step,
          value: times(estimate),
          low: times(low),
          high: times(high),
        },
      ]
    })
    return terminalCurve(rows, {
      width: Math.max(20, width - legendWidth - 1),
      height: height - 1,
      include: [0, 5],
      endMarks,
    })
  }, [cells, measure, width, height, legendWidth])
  return (
    <Box flexDirection="column" height={height} flexShrink={0}>
      <Text bold wrap="truncate">
        {measure.title} by step <Text dimColor>(dotted: the interval)</Text>
      </Text>
      <Box>
        <Box flexDirection="column" width={width - legendWidth - 1}>
          {curve.runs.map((line, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: lines have no identity but their place
            <Text key={i} wrap="truncate">
              {line.map(({ text, series }, j) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: runs have no identity but their place
                <Text key={j} {...(series === undefined ? {} : { color: colorOf(theme, series) })}>
                  {text}
                </Text>
              ))}
            </Text>
          ))}
        </Box>
        <Box flexDirection="column" width={legendWidth} marginLeft={1}>
          {curve.series.slice(0, height - 1).map(({ variant, label, last }, i) => (
            <Text key={variant} wrap="truncate" color={colorOf(theme, i)}>
              {endMarks[i] ?? ' '} {percent(last === null ? null : last / 100).padStart(4)}{' '}
              {shorten(terminalText(label), legendWidth - 8)}
            </Text>
          ))}
        </Box>
      </Box>
    </Box>
  )
}

function colorOf({ series }: Theme, i: number): string | undefined {
  return series[i % Math.max(1, series.length)]
}
