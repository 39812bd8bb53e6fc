import { readmeExamples, runReadmeExample } from '@cem/vitest-config/readme'
import { expect, test } from 'vitest'

const packageFolder = new URL('../', import.meta.url)

test.each(readmeExamples(packageFolder))(
  'README example %# prints what it says',
  async (example) => {
    expect(await runReadmeExample(packageFolder, example)).toBe(example.printed)
  },
)
