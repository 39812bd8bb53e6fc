import { Box } from 'ink'
import type { ReactElement } from 'react'
import { type Action, bindings } from '../keys.ts'
import { isPossible, type RunControls } from './run-controls.ts'
import type { Screen } from './state/ui-state.ts'
import { Text } from './text.tsx'

/** By screen, the most useful ones first: what does not fit is in the help. */
const shownOn: Readonly<Record<Screen, readonly Action[]>> = {
  grid: [
    'up',
    'down',
    'left',
    'right',
    'open',
    'help',
    'quit',
    'pause',
    'leave',
    'warnings',
    'results',
    'filter',
    'sort',
    'compare',
    'stop-after',
    'retry',
  ],
  questions: ['up', 'down', 'open', 'back', 'help', 'left', 'right', 'sort', 'compare', 'quit'],
  answers: [
    'up',
    'down',
    'page-down',
    'back',
    'help',
    'project',
    'filter',
    'sort',
    'compare',
    'left',
    'right',
    'quit',
  ],
  compare: ['up', 'down', 'page-down', 'back', 'help', 'sort', 'left', 'right', 'quit'],
  warnings: ['up', 'down', 'page-down', 'back', 'quit'],
  results: ['up', 'down', 'page-down', 'back', 'quit'],
  help: ['up', 'down', 'page-down', 'back', 'quit'],
}

export interface FooterProps {
  readonly screen: Screen
  readonly controls: RunControls
  readonly width: number
  /** The filter that is being typed; undefined where none is. */
  readonly typed: string | undefined
  /** Something that the user is to know now. */
  readonly notice: string | undefined
}

/** The keys that do something here. */
export function Footer({ screen, controls, width, typed, notice }: FooterProps): ReactElement {
  return (
    <Box width={width} flexShrink={0}>
      {typed !== undefined ? (
        <Text wrap="truncate">
          /{typed}█ <Text dimColor>enter keeps the filter, esc drops it</Text>
        </Text>
      ) : notice !== undefined ? (
        <Text wrap="truncate" bold>
          {notice}
        </Text>
      ) : (
        <Text dimColor wrap="truncate">
          {keyText(screen, controls, width)}
        </Text>
      )}
    </Box>
  )
}

/** As many keys as fit. */
export function keyText(screen: Screen, controls: RunControls, width: number): string {
  const actions = shownOn[screen].filter((action) => isPossible(action, controls))
  let text = ''
  for (const action of actions) {
    const { shown, word } = bindings.find(
      (one) => one.action === action,
    ) as (typeof bindings)[number]
    const key = shown.split(' ')[0] as string
    const part = `${key}${word === '' ? ' ' : ` ${word}  `}`
    if (text.length + part.trimEnd().length > width) break
    text += part
  }
  return text.trimEnd()
}
