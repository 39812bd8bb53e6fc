import { readmeExamples, runReadmeExample } from '@cem/vitest-config/readme'
import { expect, test } from 'vitest'
import { base } from './character-study.ts'

const packageFolder = new URL('../', import.meta.url)
const own = /runCharacterData|readConstitution|runReflectionData/
const examples = readmeExamples(packageFolder).filter(({ code }) => own.test(code))

test('the README has examples of character data, constitutions and reflections', () => {
  expect(examples).toHaveLength(3)
})

test.each(examples)(
  'README example %# prints what it says',
  async (example) => {
    const replace = { 'path/to/model': base }
    expect(await runReadmeExample(packageFolder, example, { replace })).toBe(example.printed)
  },
  60_000,
)
