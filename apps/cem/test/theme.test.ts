import { EventEmitter } from 'node:events'
import { describe, expect, test, vi } from 'vitest'
import { type AskedTerminal, askBackground } from '../src/ask-background.ts'
import { themeOf } from '../src/terminal-kind.ts'

test('the theme is what was asked for, else what the environment or the terminal says of its background', async () => {
  const nameOf = async (
    asked: string | undefined,
    environment: Readonly<Record<string, string>>,
    told?: 'light',
  ) => (await themeOf(asked, { environment, colourDepth: 24, ask: async () => told })).name
  expect(await nameOf(undefined, {})).toBe('dark')
  expect(await nameOf(undefined, {}, 'light')).toBe('light')
  expect(await nameOf(undefined, { COLORFGBG: '0;15' })).toBe('light')
  expect(await nameOf(undefined, { COLORFGBG: '15;default;0' }, 'light')).toBe('dark')
  expect(await nameOf(undefined, { COLORFGBG: '0;15', CEM_THEME: 'dark' })).toBe('dark')
  expect(await nameOf('light', { CEM_THEME: 'dark' })).toBe('light')
})

test('a terminal without colours is not asked', async () => {
  const ask = vi.fn()
  await themeOf(undefined, { environment: {}, colourDepth: 1, ask })
  expect(ask).not.toHaveBeenCalled()
})

describe('asking a terminal', () => {
  /** A terminal that answers in these pieces. */
  function terminal(...pieces: readonly string[]) {
    const given: string[] = []
    const modes: boolean[] = []
    const events = new EventEmitter()
    const waiting: Buffer[] = []
    const input = Object.assign(events, {
      read: () => waiting.shift() ?? null,
      setRawMode: (mode: boolean) => modes.push(mode),
      unshift: (chunk: Buffer) => given.push(chunk.toString('latin1')),
    }) as unknown as AskedTerminal['input']
    const write = () => {
      for (const piece of pieces)
        queueMicrotask(() => {
          waiting.push(Buffer.from(piece))
          events.emit('readable')
        })
    }
    return { asked: { input, output: { write } }, given, modes, events }
  }
  const end = '\u001b[?62;4c'

  test('tells light from dark, with one to four digits and either end, also in pieces', async () => {
    const of = (...pieces: readonly string[]) => askBackground(terminal(...pieces).asked, 1000)
    expect(await of(`\u001b]11;rgb:ffff/ffff/ffff\u001b\\${end}`)).toBe('light')
    expect(await of(`\u001b]11;rgb:fd/f6/e3\u0007${end}`)).toBe('light')
    expect(await of('\u001b]11;rgb:1e1e/1e', '1e/2e2e\u001b\\', end)).toBe('dark')
  })

  test('a terminal that does not know the question, or answers nothing, tells nothing', async () => {
    expect(await askBackground(terminal(end).asked, 1000)).toBeUndefined()
    expect(await askBackground(terminal().asked, 5)).toBeUndefined()
  })

  test('keys that were pressed meanwhile are not lost, and the terminal is left as it was', async () => {
    const { asked, given, modes, events } = terminal('j', `\u001b]11;rgb:0/0/0\u0007${end}`, 'k')
    expect(await askBackground(asked, 1000)).toBe('dark')
    expect(given).toEqual(['j'])
    expect(modes).toEqual([true, false])
    expect(events.listenerCount('readable')).toBe(0)
  })
})
