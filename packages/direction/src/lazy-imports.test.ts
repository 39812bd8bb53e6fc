import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

test('jstat is named by one file, and mathjs, which takes 0.7 s to load, by none', () => {
  const folder = new URL('.', import.meta.url)
  const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /(?<!\.test|\.d)\.ts$/.test(name))
    .map((name) => name.replaceAll('\\', '/'))
    .map((name) => ({ name, text: readFileSync(new URL(name, folder), 'utf8') }))
  const filesWith = (pattern: RegExp) =>
    sources.filter(({ text }) => pattern.test(text)).map(({ name }) => name)
  expect(filesWith(/from 'jstat/)).toEqual(['statistics/distributions.ts'])
  expect(filesWith(/mathjs/)).toEqual([])
})
