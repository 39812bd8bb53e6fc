import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readmeExamples, runReadmeExample } from '@cem/vitest-config/readme'
import { expect, test, vi } from 'vitest'
import { tinyModel } from './tiny.ts'

vi.setConfig({ testTimeout: 60_000 })

const packageFolder = new URL('../', import.meta.url)

test.each(readmeExamples(packageFolder).filter(({ code }) => code.includes('trainSft(')))(
  'README example %# of trainings prints what it says',
  async (example) => {
    const cache = await mkdtemp(join(tmpdir(), 'cem-readme-'))
    vi.stubEnv('CEM_CACHE', cache)
    const replace = { 'path/to/model': tinyModel }
    expect(await runReadmeExample(packageFolder, example, { replace })).toBe(example.printed)
    await rm(cache, { recursive: true, force: true })
  },
)
