import { expect, test } from 'vitest'
import { redact } from './redact.ts'

const key = { value: 'a"b/c+secret', label: '[key]' }

test('a secret goes in its plain, JSON and URL spellings', () => {
  const text = `plain a"b/c+secret json ${JSON.stringify(key.value)} url ${encodeURIComponent(key.value)}`
  expect(redact(text, [key])).toBe('plain [key] json "[key]" url [key]')
})

test('no piece of a secret is left where the text is cut', () => {
  const redacted = redact(`${'x'.repeat(295)}${key.value}${'y'.repeat(50)}`, [key])
  expect(redacted).not.toContain('a"')
  expect(redacted).toMatch(/\.\.\.$/)
})

test('what looks like an OpenAI key goes even where it is not ours', () => {
  expect(redact('Incorrect API key provided: sk-proj-ab*****xyz9.', [])).not.toContain('xyz9')
})

test('control characters of a terminal do not get through', () => {
  expect(redact('a\u001b[31m\u0007\r\nb\u202e', [])).toBe('a [31m b')
})

test('an empty secret takes nothing out', () => {
  expect(redact('text', [{ value: '', label: '[key]' }])).toBe('text')
})
