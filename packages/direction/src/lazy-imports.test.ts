import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

test('jstat and mathjs are each named by one file, and mathjs only in a lazy import', () => {
  const folder = new URL('.', import.meta.url)
  const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /(?<!\.test|\.d)\.ts$/.test(name))
    .map((name) => name.replaceAll('\\', '/'))
    .map((name) => ({ name, text: readFileSync(new URL(name, folder), 'utf8') }))
  const filesWith = (pattern: RegExp) =>
    sources.filter(({ text }) => pattern.test(text)).map(({ name }) => name)
  expect(filesWith(/from 'jstat/)).toEqual(['statistics/distributions.ts'])
  expect(filesWith(/import\('mathjs/)).toEqual(['directions/linear-algebra.ts'])
  expect(filesWith(/from 'mathjs/)).toEqual([])
})
