/** Every key of the terminal UI, in one place: what is bound, and what the help says of it. */
export type Action =
  | 'up'
  | 'down'
  | 'left'
  | 'right'
  | 'page-up'
  | 'page-down'
  | 'open'
  | 'back'
  | 'pause'
  | 'warnings'
  | 'help'
  | 'quit'

interface Binding {
  readonly action: Action
  /** As Ink names them, or the character. */
  readonly keys: readonly string[]
  readonly shown: string
  readonly help: string
}

export const bindings: readonly Binding[] = [
  { action: 'up', keys: ['upArrow', 'k'], shown: '↑ k', help: 'move up, scroll up' },
  { action: 'down', keys: ['downArrow', 'j'], shown: '↓ j', help: 'move down, scroll down' },
  { action: 'left', keys: ['leftArrow', 'h'], shown: '← h', help: 'earlier checkpoint' },
  { action: 'right', keys: ['rightArrow', 'l'], shown: '→ l', help: 'later checkpoint' },
  { action: 'page-up', keys: ['pageUp', 'b'], shown: 'PgUp b', help: 'a page up' },
  { action: 'page-down', keys: ['pageDown', ' '], shown: 'PgDn space', help: 'a page down' },
  {
    action: 'open',
    keys: ['return', 'o'],
    shown: 'enter o',
    help: "the cell's answers, with scores",
  },
  { action: 'back', keys: ['escape', 'backspace'], shown: 'esc', help: 'back to the grid' },
  { action: 'pause', keys: ['p'], shown: 'p', help: 'pause, and go on' },
  { action: 'warnings', keys: ['w'], shown: 'w', help: 'warnings and failures in full' },
  { action: 'help', keys: ['?'], shown: '?', help: 'this list' },
  {
    action: 'quit',
    keys: ['q'],
    shown: 'q',
    help: 'stop in order and quit; the same command goes on',
  },
]

/** What a key press means. */
export function actionOf(
  input: string,
  key: Readonly<Record<string, boolean | string | undefined>>,
): Action | undefined {
  if (key['ctrl'] === true && input === 'c') return 'quit'
  const pressed = Object.keys(key).filter((name) => key[name] === true)
  return bindings.find(({ keys }) => keys.some((k) => k === input || pressed.includes(k)))?.action
}
