import { fileURLToPath } from 'node:url'
import { watchMutants } from '@cem/vitest-config/mutants'
import { expect, test } from 'vitest'

/** What 1,000 files may cost in memory, beyond what the code itself takes. */
const maxGrowthBytes = 200e6
const limit = { timeout: 600_000 }

test.each(['adapter', 'tokenizer'])(
  '1,000 mutants of %s files load as what they say, or are refused',
  limit,
  async (kind) => {
    const script = fileURLToPath(new URL(`./fuzz/${kind}-mutants.ts`, import.meta.url))
    const { loaded, refused, growthBytes } = await watchMutants(script, ['1000'])
    const nRefused = Object.values(refused).reduce((sum, n) => sum + n, 0)
    expect(loaded + nRefused).toBe(1000)
    // Where none loads, or none is refused, the test shows nothing.
    expect(loaded).toBeGreaterThan(50)
    expect(nRefused).toBeGreaterThan(300)
    expect(growthBytes).toBeLessThan(maxGrowthBytes)
  },
)
