import type { ReadStream } from 'node:tty'
import type { ThemeName } from './ui/theme.ts'

/** What is needed of a terminal to ask it something. */
export interface AskedTerminal {
  readonly input: Pick<ReadStream, 'on' | 'off' | 'read' | 'setRawMode' | 'unshift'>
  readonly output: { write(text: string): unknown }
}

/** xterm's control sequences: OSC 11 asks for the background's colour, and every terminal answers DA1, `CSI c`, after it. */
const question = '\u001b]11;?\u001b\\\u001b[c'
const start = '\u001b'
const colourReply = new RegExp(
  `${start}\\]11;rgb:([0-9a-fA-F]+)/([0-9a-fA-F]+)/([0-9a-fA-F]+)(?:${start}\\\\|\\u0007)`,
)
const endReply = new RegExp(`${start}\\[\\?[0-9;]*c`)

/** A line to another continent answers in half of this; a terminal that answers nothing is waited for so long, once. */
const timeoutInMs = 1000

/**
 * Asks the terminal whether its background is light. What was typed meanwhile is given back to the input.
 *
 * @returns undefined where it does not tell
 */
export async function askBackground(
  { input, output }: AskedTerminal = { input: process.stdin, output: process.stdout },
  waitInMs = timeoutInMs,
): Promise<ThemeName | undefined> {
  let reply = ''
  input.setRawMode(true)
  try {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(end, waitInMs)
      function end() {
        clearTimeout(timer)
        input.off('readable', take)
        resolve()
      }
      // Read as the screen reads it: a stream that flows, and is paused after, gives it no keys.
      function take() {
        for (let chunk = read(input); chunk !== undefined; chunk = read(input)) reply += chunk
        if (endReply.test(reply)) end()
      }
      input.on('readable', take)
      output.write(question)
    })
  } finally {
    input.setRawMode(false)
  }
  const rest = reply.replace(colourReply, '').replace(endReply, '')
  if (rest !== '') input.unshift(Buffer.from(rest, 'latin1'))
  const colour = colourReply.exec(reply)?.slice(1)
  return colour === undefined ? undefined : themeOfColour(colour)
}

function read(input: AskedTerminal['input']): string | undefined {
  const chunk: unknown = input.read()
  if (typeof chunk === 'string') return chunk
  return Buffer.isBuffer(chunk) ? chunk.toString('latin1') : undefined
}

/** Numbers of one to four hexadecimal digits, each for a part of the whole. */
function themeOfColour(colour: readonly string[]): ThemeName {
  const [red = 0, green = 0, blue = 0] = colour.map(
    (digits) => Number.parseInt(digits, 16) / (16 ** digits.length - 1),
  )
  // Weights of ITU-R BT.709.
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.5 ? 'light' : 'dark'
}
