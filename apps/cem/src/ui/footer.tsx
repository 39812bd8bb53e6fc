import { Box, Text } from 'ink'
import type { ReactElement } from 'react'
import { type Action, bindings } from '../keys.ts'

const shownOn: Readonly<Record<string, readonly Action[]>> = {
  grid: ['up', 'down', 'left', 'right', 'open', 'warnings', 'pause', 'help', 'quit'],
  answers: ['up', 'down', 'page-down', 'page-up', 'back', 'help', 'quit'],
  warnings: ['up', 'down', 'back', 'help', 'quit'],
  help: ['back', 'quit'],
}

const names: Readonly<Record<Action, string>> = {
  up: '',
  down: '',
  left: '',
  right: 'move',
  'page-up': '',
  'page-down': 'page',
  open: 'answers',
  back: 'back',
  pause: 'pause',
  warnings: 'warnings',
  help: 'help',
  quit: 'quit',
}

export interface FooterProps {
  readonly screen: string
  readonly canPause: boolean
  readonly width: number
}

/** The keys that do something here. */
export function Footer({ screen, canPause, width }: FooterProps): ReactElement {
  const actions = (shownOn[screen] ?? []).filter((action) => canPause || action !== 'pause')
  const text = actions
    .map((action) => {
      const key = bindings.find((binding) => binding.action === action)?.shown.split(' ')[0] ?? ''
      return names[action] === '' ? key : `${key} ${names[action]} `
    })
    .join(' ')
  return (
    <Box width={width} marginTop={1}>
      <Text dimColor wrap="truncate">
        {text}
      </Text>
    </Box>
  )
}
