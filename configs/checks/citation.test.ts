import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

test('the citation file names the version of the command', () => {
  const { version } = JSON.parse(read('apps/cem/package.json')) as { readonly version: string }
  expect(/^version: (.*)$/m.exec(read('CITATION.cff'))?.[1]).toBe(version)
})
