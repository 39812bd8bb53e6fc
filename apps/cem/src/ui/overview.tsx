import { Box } from 'ink'
import type { ReactElement } from 'react'
import type { RunView } from '../run-view.ts'
import { CurvePanel, curveMeasures } from './curve-panel.tsx'
import type { Machine } from './data/machine.ts'
import { Grid, gridFrame, naturalWidth } from './grid.tsx'
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
  readonly limitUsd: number | null | undefined
  readonly width: number
  readonly height: number
}

/** Two lines each of what runs and of the judge, one of the machine. */
const usualHeight = 5
/** Of a run that is complete nothing runs any more. */
const completeHeight = 3
/** Below this a curve says nothing. */
const leastCurve = 6

/** From so many columns beside the grid on, the panels stand there. */
const leastBeside = 84
/** A curve that is higher says nothing more. */
const mostCurve = 32

/** From so many lines on, two curves below each other say more than one. */
const leastForTwo = 26

export interface OverviewHeights {
  readonly grid: number
  readonly warnings: number
  /** Of one curve, or of two below each other. */
  readonly curve: number
}

/** The lines of each curve. */
export function curveHeights(height: number): readonly number[] {
  if (height === 0) return []
  if (height < leastForTwo) return [height]
  const second = Math.min(Math.floor(height / 2), mostCurve)
  return [Math.min(height - second, mostCurve), second]
}

/** How the lines of the first screen are dealt out: the grid, what runs and the warnings always, then the curve. */
export function overviewHeights(
  nRows: number,
  nWarnings: number,
  height: number,
  { isBeside = false, panels = usualHeight }: OverviewLayout = {},
): OverviewHeights {
  const heights = isBeside ? heightsBeside : heightsBelow
  return heights(nRows, nWarnings, height, panels)
}

export interface OverviewLayout {
  /** Whether the panels stand at the right of the grid. @default false */
  readonly isBeside?: boolean
  /** Lines of the panels. @default 5 */
  readonly panels?: number
}

function heightsBelow(
  nRows: number,
  nWarnings: number,
  height: number,
  panelsHeight: number,
): OverviewHeights {
  const free = height - panelsHeight
  const leastWarnings = Math.min(nWarnings, 3)
  const wanted = nRows + gridFrame
  // Half for the grid, or more where nothing else needs it.
  const most = Math.max(Math.floor(height / 2), free - leastWarnings - leastCurve)
  const grid = Math.max(Math.min(wanted, 5), Math.min(wanted, most))
  const rest = Math.max(0, free - grid)
  const warnings = Math.min(nWarnings, Math.max(leastWarnings, Math.floor(rest / 3)), rest)
  const curve = rest - warnings
  return curve >= leastCurve
    ? { grid, warnings, curve }
    : { grid, warnings: Math.min(nWarnings, rest), curve: 0 }
}

/** The grid with panels and warnings at its right, both as high as the higher one wants to be. */
function heightsBeside(
  nRows: number,
  nWarnings: number,
  height: number,
  panelsHeight: number,
): OverviewHeights {
  const wanted = Math.max(nRows + gridFrame, panelsHeight + nWarnings)
  const grid = Math.min(wanted, Math.max(panelsHeight + 3, Math.floor(height / 2)))
  const curve = height - grid
  const warnings = Math.min(nWarnings, grid - panelsHeight)
  return { grid, warnings, curve: curve >= leastCurve ? curve : 0 }
}

/** The whole run at a glance. */
export function Overview(props: OverviewProps): ReactElement {
  const { view, now, grid, width, height } = props
  const ownWidth = naturalWidth(grid)
  const isBeside = width - ownWidth >= leastBeside
  const gridWidth = isBeside ? ownWidth : width
  const panelWidth = isBeside ? width - ownWidth - 3 : width
  const isComplete = view.outcome === 'complete'
  const panelLines = isComplete ? completeHeight : usualHeight
  const heights = overviewHeights(grid.rows.length, nWarningLines(view), height, {
    isBeside,
    panels: panelLines,
  })
  const measures = curveMeasures(view)
  const panels = (
    <>
      <Box flexDirection="column" height={panelLines} flexShrink={0} width={panelWidth}>
        {isComplete ? null : <NowPanel view={view} now={now} width={panelWidth} />}
        <JudgePanel view={view} now={now} limitUsd={props.limitUsd} width={panelWidth} />
        <MachineLine machine={props.machine} isOwn={props.isOwn} />
      </Box>
      {heights.warnings > 0 ? (
        <WarningsPanel view={view} width={panelWidth} height={heights.warnings} />
      ) : null}
    </>
  )
  return (
    <>
      <Box flexDirection={isBeside ? 'row' : 'column'} flexShrink={0}>
        <Box width={gridWidth} flexShrink={0}>
          <Grid
            grid={grid}
            selected={props.selected}
            marked={props.marked}
            note={props.note}
            width={gridWidth}
            height={heights.grid}
          />
        </Box>
        {isBeside ? (
          <Box flexDirection="column" marginLeft={3} width={panelWidth} height={heights.grid}>
            {panels}
          </Box>
        ) : (
          panels
        )}
      </Box>
      {curveHeights(heights.curve).map((lines, i) => {
        const measure = measures[i as 0 | 1]
        return (
          <CurvePanel
            key={measure.title}
            view={view}
            measure={measure}
            width={width}
            height={lines}
          />
        )
      })}
    </>
  )
}
