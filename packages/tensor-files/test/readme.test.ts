import { readmeExamples, runReadmeExample } from '@cem/vitest-config/readme'
import { expect, test } from 'vitest'
import { temporaryFolder } from './support/files.ts'

const packageFolder = new URL('../', import.meta.url)
const folder = temporaryFolder()

test.each(readmeExamples(packageFolder))(
  'README example %# prints what it says',
  async (example) => {
    const workingFolder = folder.path('')
    expect(await runReadmeExample(packageFolder, example, { workingFolder })).toBe(example.printed)
  },
)
