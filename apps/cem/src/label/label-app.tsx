import { Box, Text, useApp, useInput, useWindowSize } from 'ink'
import { type ReactElement, useRef, useState } from 'react'
import { terminalText } from '../terminal-text.ts'
import { firstState, type LabelKey, pressKey } from './label-state.ts'
import { type LabelStep, metricHelp } from './label-steps.ts'
import { wrapText } from './wrap-text.ts'

export interface LabelAppProps {
  readonly steps: readonly LabelStep[]
  /** Writes a label down. */
  readonly onLabel: (step: LabelStep, value: number | null) => Promise<void>
  readonly onEnd: (error?: unknown) => void
}

/** One answer a screen, without a word of where it is from. */
export function LabelApp({ steps, onLabel, onEnd }: LabelAppProps): ReactElement {
  const { exit } = useApp()
  const { columns: width, rows: height } = useWindowSize()
  const [state, setState] = useState(firstState)
  const [scroll, setScroll] = useState(0)
  // The newest state, also for keys that come before the next drawing.
  const latest = useRef(firstState)
  const writing = useRef<Promise<void>>(Promise.resolve())

  const end = (error?: unknown) => {
    onEnd(error)
    exit()
  }
  useInput((input, key) => {
    if (key.pageDown || key.pageUp) {
      setScroll((before) => Math.max(0, before + (key.pageDown ? 1 : -1) * pageOf(height)))
      return
    }
    for (const pressed of keysOf(input, key)) {
      const move = pressKey(latest.current, pressed, steps)
      if (move.state.at !== latest.current.at) setScroll(0)
      latest.current = move.state
      setState(move.state)
      const { label } = move
      if (label !== undefined) {
        writing.current = writing.current.then(() => onLabel(label.step, label.value))
        writing.current.catch(end)
      }
      if (move.isQuit === true) {
        writing.current.then(() => end(), end)
        return
      }
    }
  })

  const step = steps[state.at]
  if (step === undefined)
    return (
      <Text>
        {steps.length === 0 ? 'Everything is labelled.' : `That was the last of ${steps.length}.`} b
        goes back, q ends.
      </Text>
    )
  const given = state.given.get(state.at)
  const lines = wrapText(step.task.answer, width)
  const shown = lines.slice(scroll, scroll + pageOf(height))
  const below = lines.length - scroll - shown.length
  return (
    <Box flexDirection="column" width={width} height={height} overflow="hidden">
      <Text dimColor>
        rating {state.at + 1} of {steps.length} · {state.given.size} given in this sitting
      </Text>
      <Text bold>{terminalText(step.task.question)}</Text>
      <Box flexDirection="column" marginTop={1} flexGrow={1} overflow="hidden">
        <Text>{shown.join('\n')}</Text>
        {below > 0 ? <Text dimColor>{below} more lines: PgDn</Text> : null}
      </Box>
      <Text>{metricHelp(step.metric)}</Text>
      <Text>
        <Text color="cyan">{`> ${state.input}`}</Text>
        {state.input === '' && given !== undefined ? ` (was ${given ?? 'not ratable'})` : ''}
        {state.problem === null ? null : <Text color="red"> {state.problem}</Text>}
      </Text>
      <Text dimColor>
        0-9 or arrows, then enter · s skip · u cannot be rated · b back · q quit, and go on later
      </Text>
    </Box>
  )
}

/** Lines of an answer on a screen: what else is there takes eight. */
function pageOf(height: number): number {
  return Math.max(3, height - 8)
}

type InkKey = Parameters<Parameters<typeof useInput>[0]>[1]

/** What a key press means; text that comes at once, such as a pasted number, is several. */
function keysOf(input: string, key: InkKey): LabelKey[] {
  if (key.ctrl) return input === 'c' ? [{ kind: 'quit' }] : []
  if (key.return) return [{ kind: 'enter' }]
  if (key.backspace || key.delete) return [{ kind: 'erase' }]
  if (key.upArrow) return [{ kind: 'move', by: 10 }]
  if (key.downArrow) return [{ kind: 'move', by: -10 }]
  if (key.rightArrow) return [{ kind: 'move', by: 1 }]
  if (key.leftArrow) return [{ kind: 'move', by: -1 }]
  return Array.from(input).flatMap((character): LabelKey[] => {
    if (/\d/.test(character)) return [{ kind: 'digit', digit: character }]
    // On a slow line a number and the key behind it come as one text.
    if (character === '\r' || character === '\n') return [{ kind: 'enter' }]
    if (character === '\u007f' || character === '\b') return [{ kind: 'erase' }]
    const kind = ({ s: 'skip', b: 'back', u: 'unratable', q: 'quit' } as const)[character]
    return kind === undefined ? [] : [{ kind }]
  })
}
