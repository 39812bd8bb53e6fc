/** Every key of the terminal UI, in one place: what is bound, where, and what the help says of it. */
export type Action =
  | 'up'
  | 'down'
  | 'left'
  | 'right'
  | 'page-up'
  | 'page-down'
  | 'first'
  | 'last'
  | 'open'
  | 'back'
  | 'filter'
  | 'sort'
  | 'compare'
  | 'project'
  | 'warnings'
  | 'results'
  | 'pause'
  | 'stop-after'
  | 'retry'
  | 'leave'
  | 'help'
  | 'quit'

interface Binding {
  readonly action: Action
  /** As Ink names them, or the character. */
  readonly keys: readonly string[]
  readonly shown: string
  readonly help: string
  /** A word for the foot of the screen. */
  readonly word: string
}

export const bindings: readonly Binding[] = [
  { action: 'up', keys: ['upArrow', 'k'], shown: '↑ k', help: 'up', word: '' },
  { action: 'down', keys: ['downArrow', 'j'], shown: '↓ j', help: 'down', word: '' },
  {
    action: 'left',
    keys: ['leftArrow', 'h'],
    shown: '← h',
    help: 'earlier checkpoint, from every screen of a cell',
    word: '',
  },
  {
    action: 'right',
    keys: ['rightArrow', 'l'],
    shown: '→ l',
    help: 'later checkpoint',
    word: 'move',
  },
  { action: 'page-up', keys: ['pageUp', 'b'], shown: 'PgUp b', help: 'a page up', word: '' },
  {
    action: 'page-down',
    keys: ['pageDown', ' '],
    shown: 'PgDn space',
    help: 'a page down',
    word: 'page',
  },
  { action: 'first', keys: ['home', 'g'], shown: 'Home g', help: 'to the first', word: '' },
  { action: 'last', keys: ['end', 'G'], shown: 'End G', help: 'to the last', word: '' },
  {
    action: 'open',
    keys: ['return', 'o'],
    shown: 'enter o',
    help: 'open: a cell, its questions, the answers to one',
    word: 'open',
  },
  {
    action: 'back',
    keys: ['escape', 'backspace'],
    shown: 'esc',
    help: 'back; on the grid: all variants again',
    word: 'back',
  },
  {
    action: 'quit',
    keys: ['q'],
    shown: 'q',
    help: 'stop in order and quit; the same command goes on',
    word: 'quit',
  },
  {
    action: 'leave',
    keys: ['d'],
    shown: 'd',
    help: 'quit and leave it running: a process in the background goes on',
    word: 'leave running',
  },
  { action: 'pause', keys: ['p'], shown: 'p', help: 'pause, and go on', word: 'pause' },
  {
    action: 'stop-after',
    keys: ['x'],
    shown: 'x',
    help: 'stop when the units that run now have ended; again: do not',
    word: 'stop after unit',
  },
  {
    action: 'retry',
    keys: ['R'],
    shown: 'R',
    help: 'try failed units again when the others are done; again: do not',
    word: 'retry failed',
  },
  {
    action: 'warnings',
    keys: ['w'],
    shown: 'w',
    help: 'alarms, warnings and failures in full',
    word: 'warnings',
  },
  { action: 'results', keys: ['r'], shown: 'r', help: 'what the analysis found', word: 'results' },
  {
    action: 'filter',
    keys: ['/'],
    shown: '/',
    help: 'filter variants by name, or answers by what they say',
    word: 'filter',
  },
  { action: 'sort', keys: ['s'], shown: 's', help: 'next order of what is listed', word: 'sort' },
  {
    action: 'compare',
    keys: ['c'],
    shown: 'c',
    help: 'mark a cell; on another one: compare them, same questions and noise',
    word: 'compare',
  },
  {
    action: 'project',
    keys: ['t'],
    shown: 't',
    help: "an answer's tokens on the direction, computed now",
    word: 'tokens',
  },
  { action: 'help', keys: ['?'], shown: '?', help: 'this list', word: 'help' },
]

type InkKey = Readonly<Record<string, boolean | string | undefined>>

/** What a key press means; keys that come at once, over a slow line, are several. */
export function actionsOf(input: string, key: InkKey): Action[] {
  if (key['ctrl'] === true) return input === 'c' ? ['quit'] : []
  const pressed = Object.keys(key).filter((name) => key[name] === true)
  const special = bindings.find(({ keys }) => keys.some((name) => pressed.includes(name)))
  if (special !== undefined) return [special.action]
  return Array.from(input).flatMap((character) => {
    const name = character === '\r' ? 'return' : character
    return bindings.find(({ keys }) => keys.includes(name))?.action ?? []
  })
}

/** What a key does to a text that is typed; undefined where it does nothing. */
export function typed(text: string, input: string, key: InkKey): string | undefined {
  if (key['backspace'] === true || key['delete'] === true)
    return Array.from(text).slice(0, -1).join('')
  if (key['ctrl'] === true || key['meta'] === true || input === '') return undefined
  return /^[\p{L}\p{N}\p{P}\p{S} ]+$/u.test(input) ? text + input : undefined
}
