import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readmeExamples, runReadmeExample } from '@cem/vitest-config/readme'
import { expect, test, vi } from 'vitest'

vi.setConfig({ testTimeout: 60_000 })

const folder = new URL('../', import.meta.url)

test.each(readmeExamples(folder))('README example %# prints what the README says', (example) => {
  const temporary = mkdtempSync(join(tmpdir(), 'cem-plots-'))
  try {
    const image = JSON.stringify(join(temporary, 'em.png'))
    expect(runReadmeExample(folder, example, { "'em.png'": image })).toBe(example.printed)
  } finally {
    rmSync(temporary, { recursive: true })
  }
})
