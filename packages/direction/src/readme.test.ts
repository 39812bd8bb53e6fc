import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const examples = Array.from(
  readme.matchAll(/```ts\n(.*?)```\n\n```text\n(.*?)```/gs),
  ([, code = '', output = '']) => ({ code, output }),
)

test('every TypeScript block of the README has its output below it', () => {
  expect(examples.length).toBe(readme.match(/```ts\n/g)?.length)
  expect(examples.length).toBeGreaterThan(0)
})

test.each(examples)('README example %# prints what the README says', ({ code, output }) => {
  const folder = mkdtempSync(join(tmpdir(), 'cem-direction-'))
  try {
    const path = join(folder, 'example.ts')
    const source = new URL('index.ts', import.meta.url).href
    writeFileSync(path, code.replace("'@cem/direction'", JSON.stringify(source)))
    const printed = execFileSync(process.execPath, [path], {
      encoding: 'utf8',
      env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined, NODE_OPTIONS: undefined },
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    expect(printed).toBe(output)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('jstat and mathjs are each named by one file, and mathjs only in a lazy import', () => {
  const folder = new URL('.', import.meta.url)
  const sources = readdirSync(folder)
    .filter((name) => /(?<!\.test|\.d)\.ts$/.test(name))
    .map((name) => ({ name, text: readFileSync(new URL(name, folder), 'utf8') }))
  const filesWith = (pattern: RegExp) =>
    sources.filter(({ text }) => pattern.test(text)).map(({ name }) => name)
  expect(filesWith(/from 'jstat/)).toEqual(['distributions.ts'])
  expect(filesWith(/import\('mathjs/)).toEqual(['linear-algebra.ts'])
  expect(filesWith(/from 'mathjs/)).toEqual([])
})
