import type { PairRow } from '@cem/training'
import { Box, useApp, useInput, useWindowSize } from 'ink'
import { type ReactElement, useMemo } from 'react'
import { actionsOf, bindings, typed } from '../keys.ts'
import { counted, terminalText } from '../terminal-text.ts'
import { LinesView, maxScrollOf } from '../ui/lines-view.tsx'
import { Text } from '../ui/text.tsx'
import { type Line, wrapSegments } from '../ui/text-lines.ts'
import type { Theme } from '../ui/theme.ts'
import { useBurstState } from '../ui/use-burst-state.ts'
import { pairLines, pairTitle } from './pair-lines.ts'
import { type PairGroup, pairFinder, pairGroups, searchWords } from './pair-list.ts'
import { firstState, pressInPairs, setSearch } from './pairs-state.ts'

export interface PairsAppProps {
  /** What the data are called. */
  readonly name: string
  readonly pairs: readonly PairRow[]
  readonly theme: Theme
}

/** Lines of the screen beside the pair: what is shown, the groups, the pair's title, the keys. */
const frameHeight = 4

/** Pairs of a character's data, one a screen: the prompt, and the two answers side by side. */
export function PairsApp({ name, pairs, theme }: PairsAppProps): ReactElement {
  const { exit } = useApp()
  const { columns, rows } = useWindowSize()
  const width = Math.max(40, columns)
  const height = Math.max(12, rows)
  const body = height - frameHeight
  const groups = useMemo(() => pairGroups(pairs), [pairs])
  const find = useMemo(() => pairFinder(groups), [groups])
  const { shown: state, latest, set } = useBurstState(firstState)
  const found = find(state.group, state.search)
  const pair = found[state.at]
  const lines = useMemo(
    () =>
      state.isHelp
        ? helpLines(width)
        : pair === undefined
          ? [[{ text: pairs.length === 0 ? 'no pairs' : 'none fits the search', dimColor: true }]]
          : pairLines(pair, { width, words: searchWords(state.search), accent: theme.accent }),
    [state.isHelp, state.search, pair, pairs, width, theme],
  )

  useInput((input, key) => {
    const keys = { ...key }
    let pressed = input
    if (latest().isTyping && !(key.ctrl && input === 'c')) {
      // Over a slow line a word, its enter and what follows may come at once.
      const end = key.return ? 0 : input.indexOf('\r')
      const text = typed(latest().search, end === -1 ? input : input.slice(0, end), keys)
      if (key.escape) set({ ...setSearch(latest(), ''), isTyping: false })
      else if (text !== undefined) set(setSearch(latest(), text))
      if (end === -1) return
      set({ ...latest(), isTyping: false })
      if (key.return) return
      pressed = input.slice(end + 1)
    }
    for (const action of actionsOf(pressed, keys)) {
      if (action === 'quit') {
        exit()
        return
      }
      const { group, search } = latest()
      const context = {
        nGroups: groups.length,
        nPairs: find(group, search).length,
        page: Math.max(1, body - 2),
        maxScroll: maxScrollOf(lines.length, body),
      }
      set(pressInPairs(latest(), action, context))
    }
  })

  const place = found.length === 0 ? '0' : `${state.at + 1}`
  return (
    <Box flexDirection="column" width={width} height={height} overflow="hidden">
      <Text bold wrap="truncate">
        cem · {terminalText(name)} · {counted(pairs.length, 'pair')} · {place} of {found.length}
        {state.search === '' ? '' : ` with “${state.search}”`}
      </Text>
      <GroupLine groups={groups} selected={state.group} width={width} theme={theme} />
      <TitleLine pair={pair} theme={theme} />
      <LinesView lines={lines} scroll={state.scroll} width={width} height={body} />
      {state.isTyping ? (
        <Text wrap="truncate">
          /{state.search}█ <Text dimColor>enter keeps the search, esc drops it</Text>
        </Text>
      ) : (
        <Text dimColor wrap="truncate">
          {'↑ ↓ pair  ← → group  PgDn text  / search  ? help  q quit'}
        </Text>
      )}
    </Box>
  )
}

interface GroupLineProps {
  readonly groups: readonly PairGroup[]
  readonly selected: number
  readonly width: number
  readonly theme: Theme
}

/** The groups with their sizes; those before are left out where the selected one would not fit. */
function GroupLine({ groups, selected, width, theme }: GroupLineProps): ReactElement {
  const labels = groups.map(({ name, pairs }, i) => {
    const text = terminalText(`${name} ${pairs.length}`)
    return i === selected ? `[${text}]` : ` ${text} `
  })
  const columnsFrom = (first: number) =>
    labels.slice(first, selected + 1).reduce((sum, { length }) => sum + length + 1, 0)
  let first = 0
  while (first < selected && columnsFrom(first) > width) first++
  return (
    <Text wrap="truncate">
      {labels.slice(first).map((label, i) => {
        const isSelected = first + i === selected
        return (
          <Text
            key={label}
            bold={isSelected}
            dimColor={!isSelected}
            color={isSelected ? theme.accent : undefined}
          >
            {label}{' '}
          </Text>
        )
      })}
    </Text>
  )
}

function TitleLine({ pair, theme }: { pair: PairRow | undefined; theme: Theme }): ReactElement {
  if (pair === undefined) return <Text> </Text>
  const { about, fate } = pairTitle(pair)
  return (
    <Text wrap="truncate">
      {about}:{' '}
      <Text bold color={pair.status === 'kept' ? theme.good : theme.caution}>
        {fate}
      </Text>
    </Text>
  )
}

const helpTexts = {
  up: 'the pair before',
  down: 'the next pair',
  left: 'the group before: all, kept, left out, and each reason',
  right: 'the next group',
  'page-up': 'a page up in the texts',
  'page-down': 'a page down',
  first: 'the first pair',
  last: 'the last pair',
  filter: 'search: words that must all be in the prompt, the answers or the id',
  back: 'drops the search, or leaves this help',
  help: 'this help',
  quit: 'quit',
} as const

function helpLines(width: number): readonly Line[] {
  return [
    [{ text: 'Keys', bold: true }],
    ...Object.entries(helpTexts).flatMap(([action, text]) => {
      const shown = bindings.find((one) => one.action === action)?.shown ?? ''
      return wrapSegments([{ text }], Math.max(10, width - 14)).map(
        (line, i): Line => [{ text: (i === 0 ? `  ${shown}` : '').padEnd(14) }, ...line],
      )
    }),
    [],
    ...wrapSegments(
      [
        {
          text: 'A pair is left out by the first reason that is shown; the others hold too. The left answer is the one that training is to prefer.',
        },
      ],
      width,
    ),
  ]
}
