import { openModelFolder } from '@cem/inference'
import { expect, test } from 'vitest'
import { estimateTrainingMemory } from './estimate-memory.ts'

const folder = new URL('../../../inference/fixtures/gqa-6-2-tied/model', import.meta.url).pathname
const { architecture } = await openModelFolder(folder)

test('counts the parameters of an adapter and of a whole model', () => {
  const lora = { type: 'lora', rank: 2, alpha: 2, targetModules: ['q_proj'] } as const
  const size = { nRows: 1, nTokens: 8 }
  // 3 layers of A [2, 96] and B [96, 2].
  expect(estimateTrainingMemory(architecture, { method: lora, ...size }).nParameters).toBe(1152)
  const full = estimateTrainingMemory(architecture, { method: { type: 'full' }, ...size })
  // Embedding 320 x 96; a layer has 2 norms of 96, q and o 96 x 96, k and v 32 x 96, biases 96 + 32 + 32, and 3 x 160 x 96.
  const layer = 2 * 96 + 2 * 96 * 96 + 2 * 32 * 96 + 160 + 3 * 160 * 96
  expect(full.nParameters).toBe(320 * 96 + 3 * layer + 96)
  expect(full.weights).toBe(0)
})

test('recomputation needs less, and more tokens more', () => {
  const method = { type: 'full' } as const
  const estimate = (nTokens: number, recompute: boolean) =>
    estimateTrainingMemory(architecture, { method, nRows: 2, nTokens, recompute })
  expect(estimate(256, true).total).toBeLessThan(estimate(256, false).total)
  expect(estimate(512, true).total).toBeGreaterThan(estimate(256, true).total)
  // Logits and their gradient: 2 x 100 targets x 320 numbers.
  const few = estimateTrainingMemory(architecture, {
    method,
    nRows: 2,
    nTokens: 256,
    nTargets: 100,
  })
  expect(few.logits).toBe(2 * 100 * 320 * 4)
})
