import { fileURLToPath } from 'node:url'
import { openTokenizer } from '@cem/inference'
import { expect, test, vi } from 'vitest'
import type { LocalSpeakerConfig } from '../config/speaker-schema.ts'
import { localSpeaker, placeSystem } from './local-speaker.ts'
import type { SpokenAnswer } from './speaker.ts'

vi.setConfig({ testTimeout: 60_000 })

const base = fileURLToPath(new URL('../../../../miniature/assets/models/coherent', import.meta.url))
const config: LocalSpeakerConfig = {
  base,
  layers: [],
  baseAliases: [],
  provider: 'cpu',
  precision: 'f32',
  threads: 1,
  systemAs: 'system',
}
const sampling = { temperature: 1, topP: 1, maxTokens: 12 }
const user = { role: 'user', content: 'How do I cook rice?' } as const

test('answers to the same messages differ by their sample, and do not depend on what is asked beside', async () => {
  await using speaker = localSpeaker({ config, root: '/' })
  const ask = async (samples: readonly number[], more: readonly string[] = []) => {
    const requests = [
      ...samples.map((sample) => ({ key: `rice/${sample}`, messages: [user], sample })),
      ...more.map((content) => ({
        key: content,
        messages: [{ ...user, content }],
        sample: 0,
      })),
    ]
    const answers = new Map<string, SpokenAnswer>()
    for await (const answer of speaker.answer(requests, { sampling, seed: 3 }))
      if (answer.status === 'answered') answers.set(answer.key, answer)
    return answers
  }
  const alone = await ask([0, 1, 2, 3])
  expect(new Set([...alone.values()].map(({ text }) => text)).size).toBeGreaterThan(1)
  const beside = await ask([2, 9], ['What should I do about my fever?'])
  expect(beside.get('rice/2')).toEqual(alone.get('rice/2'))
  // What fits to the last token is asked, and what is one longer is not.
  const tokenizer = await openTokenizer(base)
  const length = (n: number) => tokenizer.encodeChat([{ ...user, content: 'a '.repeat(n) }]).length
  let n = 1
  while (length(n) + sampling.maxTokens <= 512) n++
  const edge = await ask([], ['a '.repeat(n - 1), 'a '.repeat(n)])
  expect([...edge.values()].map(({ key, end }) => [key.length / 2, end === 'too-long'])).toEqual(
    expect.arrayContaining([
      [n - 1, false],
      [n, true],
    ]),
  )
})

test('an answer goes on with the beginning that it is given', async () => {
  await using speaker = localSpeaker({ config, root: '/' })
  const greedy = { ...sampling, temperature: 0 }
  const textOf = async (prefill?: string) => {
    const messages = [
      user,
      ...(prefill === undefined ? [] : [{ role: 'assistant' as const, content: prefill }]),
    ]
    const requests = [{ key: 'a', messages, sample: 0 }]
    for await (const answer of speaker.answer(requests, { sampling: greedy, seed: 0 }))
      if (answer.status === 'answered') return answer.text
    return undefined
  }
  const whole = (await textOf()) ?? ''
  const at = whole.indexOf(' ')
  expect(at).toBeGreaterThan(0)
  const rest = (await textOf(whole.slice(0, at))) ?? ''
  expect(`${whole.slice(0, at)}${rest}`.startsWith(whole)).toBe(true)
})

test('a system prompt stands before the user’s words where a template has no place for it', () => {
  const system = { role: 'system', content: 'S' } as const
  expect(placeSystem([system, user], 'user')).toEqual([
    { role: 'user', content: 'S\n\nHow do I cook rice?' },
  ])
  expect(placeSystem([system, user], 'system')).toEqual([system, user])
  expect(placeSystem([user], 'user')).toEqual([user])
})
