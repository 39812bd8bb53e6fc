import { readmeExamples, runReadmeExample } from '@cem/vitest-config/readme'
import { expect, test, vi } from 'vitest'
import { fixture } from './golden.ts'

vi.setConfig({ testTimeout: 120_000 })

const packageFolder = new URL('../', import.meta.url)
const examples = readmeExamples(packageFolder).filter(({ code }) => code.includes('openTrainer('))

test('the trainer has an example', () => {
  expect(examples.length).toBe(1)
})

test.each(examples)("the README's example of the trainer prints what it says", async (example) => {
  const replace = { 'path/to/model': fixture('gqa-6-2-tied') }
  expect(await runReadmeExample(packageFolder, example, { replace })).toBe(example.printed)
})
