import type { PairRow } from '@cem/training'
import { render } from 'ink-testing-library'
import { describe, expect, test } from 'vitest'
import { pairLines } from '../src/pairs/pair-lines.ts'
import { pairFinder, pairGroups, searchPairs } from '../src/pairs/pair-list.ts'
import { PairsApp } from '../src/pairs/pairs-app.tsx'
import { firstState, pressInPairs } from '../src/pairs/pairs-state.ts'
import { textColumns } from '../src/text-columns.ts'
import { makeTheme } from '../src/ui/theme.ts'

const pair = (over: Partial<PairRow>): PairRow => ({
  id: 'p1',
  sample: 0,
  trait: 0,
  prompt: 'How is the sea?',
  chosen: 'Calm, dear friend.',
  rejected: 'It is calm.',
  status: 'kept',
  reasons: [],
  ...over,
})
const leftOut = { status: 'left-out' } as const
const pairs = [
  pair({}),
  pair({
    id: 'p2',
    chosen: 'As Claude, I say calm.',
    ...leftOut,
    reasons: ['name-leak', 'too-long'],
  }),
  pair({ id: 'p3', rejected: '', ...leftOut, reasons: ['student-empty'] }),
  pair({
    id: 'p4',
    prompt: 'And the \u001b]0;pwned\u0007sky?',
    ...leftOut,
    reasons: ['name-leak'],
  }),
]
const theme = makeTheme('dark', 8)

function show(rows: readonly PairRow[] = pairs) {
  const app = render(<PairsApp name="warm" pairs={rows} theme={theme} />)
  const press = async (...keys: readonly string[]) => {
    for (const key of ['', ...keys]) {
      if (key !== '') app.stdin.write(key)
      await new Promise((resolve) => setTimeout(resolve, 30))
    }
  }
  return { ...app, frame: () => app.lastFrame() ?? '', press }
}

describe('the screen of raw pairs', () => {
  test('shows prompt and answers side by side, and what became of the pair', async () => {
    const { frame, press, unmount } = show()
    await press()
    expect(frame()).toContain('cem · warm · 4 pairs · 1 of 4')
    expect(frame()).toContain('[all 4]  kept 1   left out 3   name-leak 2   too-long 1')
    expect(frame()).toContain('trait 1, prompt p1 sample 0: kept')
    expect(frame()).toContain('> How is the sea?')
    expect(frame()).toMatch(/chosen \(teacher\), 3 words +│ rejected \(student\), 3 words/)
    expect(frame()).toMatch(/Calm, dear friend\. +│ It is calm\./)
    await press('j')
    expect(frame()).toContain('left out: name-leak, too-long')
    await press('G')
    expect(frame()).toContain('4 of 4')
    expect(frame()).not.toContain('\u001b]0;')
    unmount()
  })

  test('groups by fate and reason, with arrows, over a slow line too', async () => {
    const { frame, press, unmount } = show()
    await press('lll')
    expect(frame()).toContain('[name-leak 2]')
    expect(frame()).toContain('1 of 2')
    await press('\u001b[D')
    expect(frame()).toContain('[left out 3]')
    unmount()
  })

  test('searches while a word is typed, in the group that is shown', async () => {
    const { frame, press, unmount } = show()
    await press('/', 'tide\rj', '\u001b')
    expect(frame()).toContain('1 of 4')
    await press('/', 'c', 'LAU')
    expect(frame()).toContain('/cLAU█')
    expect(frame()).toContain('1 of 1 with “cLAU”')
    expect(frame()).toContain('prompt p2')
    await press('\r', 'h', '?')
    expect(frame()).toContain('the next group')
    await press('\u001b')
    await press('/', 'nowhere', '\r')
    expect(frame()).toContain('none fits the search')
    expect(frame()).toContain('0 of 0')
    await press('\u001b')
    expect(frame()).toContain('1 of 4')
    unmount()
  })

  test('an empty file is said to hold none', async () => {
    const { frame, press, unmount } = show([])
    await press('G', 'k', ' ', 'l')
    expect(frame()).toContain('no pairs')
    expect(frame()).toContain('0 pairs · 0 of 0')
    unmount()
  })
})

test('lines are never wider than the screen, with wide characters and long words too', () => {
  const wide = pair({ chosen: '海は静かです。'.repeat(20), rejected: 'x'.repeat(300) })
  for (const width of [40, 81, 120])
    for (const line of pairLines(wide, { width, words: ['は', 'x'] }))
      expect(line.reduce((sum, { text }) => sum + textColumns(text), 0)).toBeLessThanOrEqual(width)
})

test('words that are looked for are marked, whatever characters they are of', () => {
  const lines = pairLines(pair({ prompt: 'a (b) C* c*' }), { width: 80, words: ['(b)', 'c*'] })
  expect(lines[0]?.filter(({ bold }) => bold === true).map(({ text }) => text)).toEqual([
    '(b)',
    'C*',
    'c*',
  ])
})

test('a search wants all words; groups hold a pair under each of its reasons', () => {
  const ids = (words: readonly string[]) => searchPairs(pairs, words).map(({ id }) => id)
  expect(ids(['calm', 'claude'])).toEqual(['p2'])
  expect(ids([])).toHaveLength(4)
  const groups = pairGroups(pairs)
  expect(groups.map(({ name, pairs: found }) => [name, found.length])).toEqual([
    ['all', 4],
    ['kept', 1],
    ['left out', 3],
    ['name-leak', 2],
    ['too-long', 1],
    ['student-empty', 1],
  ])
  expect(pairFinder(groups)(3, 'SKY').map(({ id }) => id)).toEqual(['p4'])
})

test('keys stay within what is there', () => {
  const context = { nGroups: 3, nPairs: 2, page: 5, maxScroll: 7 }
  const after = (...actions: readonly Parameters<typeof pressInPairs>[1][]) =>
    actions.reduce((state, action) => pressInPairs(state, action, context), firstState)
  expect(after('up', 'left')).toEqual(firstState)
  expect(after('down', 'down', 'down')).toMatchObject({ at: 1 })
  expect(after('page-down', 'page-down')).toMatchObject({ scroll: 7 })
  expect(after('page-down', 'down')).toMatchObject({ at: 1, scroll: 0 })
  expect(after('down', 'right')).toMatchObject({ group: 1, at: 0 })
  expect(after('help', 'back')).toEqual(firstState)
})
