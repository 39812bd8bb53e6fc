import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../test/support/files.ts'

const folder = temporaryFolder()
const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const examples = [...readme.matchAll(/```ts\n(.*?)```\s+```text\n(.*?)```/gs)].map(
  ([, code = '', printed = '']) => ({ code, printed }),
)

test('every TypeScript example of the README is followed by what it prints', () => {
  expect(examples.length).toBe(readme.match(/```ts\n/g)?.length)
  expect(examples.length).toBeGreaterThan(0)
})

test.each(examples)('example $# of the README prints what it says', async ({ code, printed }) => {
  const source = new URL('./index.ts', import.meta.url).href
  const script = await folder.write('example.mts', code.replaceAll('@cem/tensor-files', source))
  const options = { cwd: folder.path(''), env: { ...process.env, NO_COLOR: '1' } }
  const { stdout } = await promisify(execFile)(process.execPath, [script], options)
  expect(stdout).toBe(printed)
})
