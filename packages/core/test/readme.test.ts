import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readmeExamples, runReadmeExample } from '@cem/vitest-config/readme'
import { expect, test } from 'vitest'

const packageFolder = new URL('../', import.meta.url)

test.each(readmeExamples(packageFolder))(
  'README example %# prints what it says',
  async (example) => {
    const workingFolder = await mkdtemp(join(tmpdir(), 'cem-core-'))
    try {
      expect(await runReadmeExample(packageFolder, example, { workingFolder })).toBe(
        example.printed,
      )
    } finally {
      await rm(workingFolder, { recursive: true })
    }
  },
)
