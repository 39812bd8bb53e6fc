import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readmeExamples, runReadmeExample } from '@cem/vitest-config/readme'
import { expect, test } from 'vitest'
import { makeStudy, startJudge } from './tiny-study.ts'

const packageFolder = new URL('../', import.meta.url)

test.each(readmeExamples(packageFolder))(
  'README example %# prints what it says',
  async (example) => {
    await using judge = await startJudge()
    const variants = [{ name: 'plain', checkpoints: { 20: 'plain' } }]
    const study = await makeStudy(variants, judge.url, { base_output_name: 'study_base' })
    const old = fileURLToPath(new URL('golden/imported', packageFolder))
    await cp(old, join(study.folder, 'old-results'), { recursive: true })
    process.env['CEM_CACHE'] = study.cache
    process.env['OPENAI_API_KEY'] ??= 'sk-of-the-test'
    try {
      const replace = { 'study.yaml': study.configFile }
      expect(
        await runReadmeExample(packageFolder, example, { replace, workingFolder: study.folder }),
      ).toBe(example.printed)
    } finally {
      await rm(study.folder, { recursive: true })
    }
  },
  60_000,
)
