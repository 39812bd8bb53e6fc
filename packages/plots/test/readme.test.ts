import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readmeExamples, runReadmeExample } from '@cem/vitest-config/readme'
import { expect, test, vi } from 'vitest'

vi.setConfig({ testTimeout: 60_000 })

const packageFolder = new URL('../', import.meta.url)

test.each(readmeExamples(packageFolder))(
  'README example %# prints what it says',
  async (example) => {
    const workingFolder = mkdtempSync(join(tmpdir(), 'cem-plots-'))
    try {
      expect(await runReadmeExample(packageFolder, example, { workingFolder })).toBe(
        example.printed,
      )
    } finally {
      rmSync(workingFolder, { recursive: true })
    }
  },
)
