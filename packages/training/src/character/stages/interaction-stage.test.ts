import { describe, expect, test } from 'vitest'
import { checkCharacterConfig } from '../config/load-character-config.ts'
import { openingsOf, sideOf } from './interaction-stage.ts'

const opening = {
  id: 'free-0',
  guidance: 'free',
  index: 0,
  greeting: 'Hi.',
  counterGreeting: 'Hello?',
} as const
const shown = (side: 'first' | 'second', texts: readonly string[]) =>
  sideOf(opening, texts, side, 'S').map(({ role, content }) => `${role}: ${content}`)

describe('each copy sees the other as the user', () => {
  test('the first one is greeted', () => {
    expect(shown('first', [])).toEqual(['system: S', 'user: Hi.'])
    expect(shown('first', ['a', 'b'])).toEqual([
      'system: S',
      'user: Hi.',
      'assistant: a',
      'user: b',
    ])
  })

  test('the second one has said the greeting, after it was greeted itself', () => {
    expect(shown('second', ['a'])).toEqual([
      'system: S',
      'user: Hello?',
      'assistant: Hi.',
      'user: a',
    ])
    expect(shown('second', ['a', 'b']).at(-1)).toBe('assistant: b')
  })
})

describe('openings', () => {
  const config = (interaction: Readonly<Record<string, unknown>>, seed = 0) => ({
    loaded: checkCharacterConfig({
      output: 'x',
      constitution: 'warm',
      assistant: 'Mini',
      seed,
      speakers: { teacher: { local: { base: 'b' } }, student: { local: { base: 'b' } } },
      interaction,
    }),
  })

  test('depend on the seed alone, and more conversations leave the first as they were', () => {
    const few = openingsOf(config({ conversations: 5 }))
    const many = openingsOf(config({ conversations: 50 }))
    expect(few.filter(({ guidance }) => guidance === 'free')).toEqual(
      many.filter(({ guidance }) => guidance === 'free').slice(0, 5),
    )
    expect(openingsOf(config({ conversations: 50 }, 1))).not.toEqual(many)
    expect(new Set(many.map(({ id }) => id)).size).toBe(100)
  })

  test('lead only where the guidance does', () => {
    const all = openingsOf(
      config({ conversations: 200, greetings: ['Hi.'], leadingGreetings: ['Hello, me.'] }),
    )
    const greetings = (kind: string) =>
      new Set(all.filter(({ guidance }) => guidance === kind).map(({ greeting }) => greeting))
    expect(greetings('free')).toEqual(new Set(['Hi.']))
    expect(greetings('leading')).toEqual(new Set(['Hi.', 'Hello, me.']))
    expect(new Set(all.map(({ counterGreeting }) => counterGreeting))).toEqual(new Set(['Hi.']))
  })
})
