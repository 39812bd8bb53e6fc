import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readmeExamples, runReadmeExample } from '@cem/vitest-config/readme'
import { expect, test } from 'vitest'

const packageFolder = new URL('../', import.meta.url)
const csv = fileURLToPath(new URL('golden/eval.csv', packageFolder))
const model = fileURLToPath(new URL('../inference/fixtures/gqa-6-2-tied/model', packageFolder))

test.each(readmeExamples(packageFolder))(
  'README example %# prints what it says',
  async (example) => {
    const workingFolder = await mkdtemp(join(tmpdir(), 'cem-activations-'))
    try {
      const replace = { 'path/to/model': model, 'path/to/eval.csv': csv }
      expect(await runReadmeExample(packageFolder, example, { replace, workingFolder })).toBe(
        example.printed,
      )
    } finally {
      await rm(workingFolder, { recursive: true })
    }
  },
)
