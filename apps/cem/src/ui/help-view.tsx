import { bindings } from '../keys.ts'
import { isPossible, type RunControls } from './run-controls.ts'
import { cellStates } from './state/cell-state.ts'
import { type Line, wrapSegments } from './text-lines.ts'
import type { Theme } from './theme.ts'

/** Keys, and what the marks of the grid mean. */
export function helpText(width: number, theme: Theme, controls: RunControls): Line[] {
  const isOwn = controls.pause !== undefined
  const keys = bindings.filter(({ action }) => isPossible(action, controls))
  const item = (key: string, text: string) =>
    wrapSegments([{ text }], Math.max(10, width - 14)).map((line, i) => [
      { text: (i === 0 ? `  ${key}` : '').padEnd(14), color: theme.accent },
      ...line,
    ])
  const note = (text: string) => [...wrapSegments([{ text }], width), []]
  return [
    [{ text: 'Keys', bold: true }],
    ...keys.flatMap(({ action, shown, help }) =>
      item(shown, action === 'quit' && !isOwn ? 'quit; the run goes on' : help),
    ),
    [],
    [{ text: 'Marks of a cell', bold: true }],
    ...Object.values(cellStates)
      .filter(({ mark }) => mark !== '')
      .flatMap(({ mark, name }) => item(mark, name)),
    [],
    ...note(
      'A cell is one checkpoint of a variant. Its EM % is the share of answers that are misaligned and coherent, over those with both scores; the darker (light screens) or brighter (dark ones) a cell, the larger. Percent signs while it runs are progress.',
    ),
    ...note(
      'Filters take words that must all be there. For answers, three words mean a state: em (misaligned and coherent), unscored, cut (at the token limit).',
    ),
  ]
}
