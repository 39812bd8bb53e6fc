import type { CellView } from '../../run-view.ts'
import { percent } from '../../terminal-text.ts'

/** The states of a cell, in one place: what they are called, and the character that tells them without colour. */
export const cellStates = {
  waiting: { name: 'waits', mark: '·', tone: 'muted' },
  answering: { name: 'answers are drawn', mark: '⋯', tone: 'accent' },
  answered: { name: 'answered, not judged', mark: '?', tone: 'muted' },
  judging: { name: 'is judged', mark: '?', tone: 'accent' },
  failed: { name: 'failed', mark: '✗', tone: 'bad' },
  judged: { name: 'judged', mark: '', tone: 'share' },
  collapsed: { name: 'coherence collapsed: EM not comparable', mark: '!', tone: 'special' },
  mismatch: { name: 'persona not as in training', mark: '≠', tone: 'share' },
  unrecorded: { name: 'persona unrecorded in training', mark: '~', tone: 'share' },
} as const

export type CellState = keyof typeof cellStates
export type Tone = (typeof cellStates)[CellState]['tone']

export function stateOf({ generate, judge, metrics, isCollapsed, cell }: CellView): CellState {
  if (generate.state === 'failed' || judge.state === 'failed') return 'failed'
  if (metrics !== null) {
    if (isCollapsed) return 'collapsed'
    if (cell.match === 'MISMATCH') return 'mismatch'
    return cell.match === 'unrecorded' ? 'unrecorded' : 'judged'
  }
  if (judge.state === 'running') return 'judging'
  if (generate.state === 'running') return 'answering'
  return generate.state === 'done' ? 'answered' : 'waiting'
}

/** A cell as the grid shows it. */
export interface CellText {
  /** At most six columns. */
  readonly text: string
  readonly tone: Tone
  /** The EM share, where it is known. */
  readonly share: number | null
}

/** The state of a cell in at most six characters; never by colour alone. */
export function cellText(view: CellView): CellText {
  const state = stateOf(view)
  const { mark, tone } = cellStates[state]
  const share = view.metrics?.main.em.estimate ?? null
  switch (state) {
    case 'judging':
      return { text: `${mark}${progress(view.judge)}`, tone, share: null }
    case 'answering':
      return { text: `${mark}${progress(view.generate)}`, tone, share: null }
    case 'judged':
    case 'collapsed':
    case 'mismatch':
    case 'unrecorded':
      return { text: `${percent(share)}${mark}`, tone, share }
    case 'waiting':
    case 'answered':
    case 'failed':
      return { text: mark, tone, share: null }
  }
}

function progress({ done, total }: CellView['generate']): string {
  return total === 0 ? '' : percent(done / total)
}

/** What the marks mean, as short as fits below the grid. */
export function legend(width: number): string {
  const states = '· waits  ⋯ answers  ? judging  ✗ failed  ! collapsed'
  const long = `${states}  ≠ persona not as in training  ~ persona unrecorded`
  return width >= long.length ? long : `${states}  ≠ ~ persona`
}
