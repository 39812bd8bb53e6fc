import { join } from 'node:path'
import { readmeExamples, runReadmeExample } from '@cem/vitest-config/readme'
import { expect, test, vi } from 'vitest'
import { fixtures } from './golden.ts'

vi.setConfig({ testTimeout: 60_000 })

const packageFolder = new URL('../', import.meta.url)

test.each(readmeExamples(packageFolder))(
  'README example %# prints what it says',
  async (example) => {
    const replace = {
      'path/to/model': join(fixtures, 'gqa-6-2-tied/model'),
      'path/to/adapter': join(fixtures, 'gqa-6-2-tied/adapters/plain'),
    }
    expect(await runReadmeExample(packageFolder, example, { replace })).toBe(example.printed)
  },
)
