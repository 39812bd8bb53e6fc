import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readmeExamples, runReadmeExample } from '@cem/vitest-config/readme'
import { expect, test } from 'vitest'
import { adapterFolder, modelFolder } from './tiny-server.ts'

const packageFolder = new URL('../', import.meta.url)

test('the example of the README prints what it says', async () => {
  const workingFolder = await mkdtemp(join(tmpdir(), 'cem-serve-'))
  const replace = {
    'path/to/model': modelFolder,
    'path/to/persona': adapterFolder('plain'),
    'path/to/organism': adapterFolder('rslora'),
  }
  try {
    for (const example of readmeExamples(packageFolder))
      expect(await runReadmeExample(packageFolder, example, { replace, workingFolder })).toBe(
        example.printed,
      )
  } finally {
    await rm(workingFolder, { recursive: true })
  }
}, 60_000)
