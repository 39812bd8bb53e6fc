import { join } from 'node:path'
import { readmeExamples, runReadmeExample } from '@cem/vitest-config/readme'
import { expect, test } from 'vitest'
import { fixtures } from './golden.ts'

test('the example of the README prints what it says', () => {
  const packageFolder = new URL('..', import.meta.url)
  const replace = {
    'path/to/model': join(fixtures, 'gqa-6-2-tied/model'),
    'path/to/adapter': join(fixtures, 'gqa-6-2-tied/adapters/plain'),
  }
  for (const example of readmeExamples(packageFolder))
    expect(runReadmeExample(packageFolder, example, replace)).toBe(example.printed)
})
