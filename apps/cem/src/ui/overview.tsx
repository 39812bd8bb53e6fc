import { Box } from 'ink'
import type { ReactElement } from 'react'
import type { RunView } from '../run-view.ts'
import { CurvePanel } from './curve-panel.tsx'
import type { Machine } from './data/machine.ts'
import { Grid, gridFrame } from './grid.tsx'
import { JudgePanel } from './judge-panel.tsx'
import { MachineLine } from './machine-line.tsx'
import { NowPanel } from './now-panel.tsx'
import type { GridView, Position } from './state/grid-layout.ts'
import { nWarningLines, WarningsPanel } from './warnings.tsx'

export interface OverviewProps {
  readonly view: RunView
  readonly now: number
  readonly grid: GridView
  readonly selected: Position
  readonly marked: string | null
  readonly note: string
  readonly machine: Machine | undefined
  readonly isOwn: boolean
  readonly limitUsd: number | null
  readonly width: number
  readonly height: number
}

/** Two lines each of what runs and of the judge, one of the machine. */
const panelsHeight = 5
/** Below this a curve says nothing. */
const leastCurve = 6

/** How the lines of the first screen are dealt out: the grid, what runs and the warnings always, then the curve. */
export function overviewHeights(
  nRows: number,
  nWarnings: number,
  height: number,
): { readonly grid: number; readonly warnings: number; readonly curve: number } {
  const free = height - panelsHeight
  const leastWarnings = Math.min(nWarnings, 3)
  const wantedGrid = nRows + gridFrame
  // Half for the grid, or more where nothing else needs it.
  const grid = Math.max(
    Math.min(wantedGrid, 5),
    Math.min(wantedGrid, Math.max(Math.floor(height / 2), free - leastWarnings - leastCurve)),
  )
  const rest = Math.max(0, free - grid)
  const warnings = Math.min(nWarnings, Math.max(leastWarnings, Math.floor(rest / 3)), rest)
  const curve = rest - warnings
  return curve >= leastCurve
    ? { grid, warnings, curve }
    : { grid, warnings: Math.min(nWarnings, rest), curve: 0 }
}

/** The whole run at a glance. */
export function Overview(props: OverviewProps): ReactElement {
  const { view, now, grid, width, height } = props
  const heights = overviewHeights(grid.rows.length, nWarningLines(view), height)
  return (
    <>
      <Grid
        grid={grid}
        selected={props.selected}
        marked={props.marked}
        note={props.note}
        width={width}
        height={heights.grid}
      />
      <Box flexDirection="column" height={panelsHeight} flexShrink={0}>
        <NowPanel view={view} now={now} width={width} />
        <JudgePanel view={view} now={now} limitUsd={props.limitUsd} width={width} />
        <MachineLine machine={props.machine} isOwn={props.isOwn} />
      </Box>
      {heights.warnings > 0 ? (
        <WarningsPanel view={view} width={width} height={heights.warnings} />
      ) : null}
      {heights.curve > 0 ? <CurvePanel view={view} width={width} height={heights.curve} /> : null}
    </>
  )
}
