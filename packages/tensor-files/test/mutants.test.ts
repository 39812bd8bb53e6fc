import { fileURLToPath } from 'node:url'
import { watchMutants } from '@cem/vitest-config/mutants'
import { expect, test } from 'vitest'

const script = fileURLToPath(new URL('./support/mutant-readers.ts', import.meta.url))
const limit = { timeout: 600_000 }
/** What reading all of them may cost in memory, beyond what the code itself takes. */
const maxGrowthBytes = 200e6

test.each([
  ['safetensors', 1000],
  ['npy', 500],
  ['npz-stored', 1000],
  ['npz-compressed', 1000],
  ['npz-numpy', 500],
] as const)(
  'mutants of a file load as what they say, or are refused (%s: %d)',
  limit,
  async (kind, count) => {
    const { loaded, refused, growthBytes } = await watchMutants(script, [kind, String(count)])
    const nRefused = Object.values(refused).reduce((sum, n) => sum + n, 0)
    expect(loaded + nRefused).toBe(count)
    // Few mutants pass the checksums of a zip file; none at all would mean that the test shows nothing.
    expect(loaded).toBeGreaterThan(5)
    expect(nRefused).toBeGreaterThan(100)
    expect(growthBytes).toBeLessThan(maxGrowthBytes)
  },
)
