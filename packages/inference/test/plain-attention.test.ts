import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { DecoderSession } from '../src/engine/decoder-session.ts'
import type { ScoredItem } from '../src/engine/messages.ts'
import { score } from '../src/engine/score.ts'
import { compose } from '../src/index.ts'
import { drift, fixtures, modelNamed, readGolden, temporaryFolder } from './golden.ts'

vi.setConfig({ testTimeout: 60_000 })

let cache: string
beforeAll(async () => {
  cache = await temporaryFolder()
})
afterAll(() => rm(cache, { recursive: true, force: true }))

// Caps and windows, norms of queries, several rotary embeddings, one key head for all queries.
const names = ['gemma2', 'gemma3', 'qwen3-yarn-window', 'mistral-window', 'gqa-4-1-untied']
test.each(names)(
  'attention from plain operators gives the logits and states of %s, whole, batched and in pieces',
  async (name) => {
    const golden = modelNamed(name)
    const { base } = await compose({ base: join(fixtures, golden.folder), layers: [], cache })
    const { architecture, weights, tokenizer } = base
    const plainLayers = new Set(architecture.layers.keys())
    await using session = await DecoderSession.open(
      {
        architecture,
        weights,
        nTokens: tokenizer.nTokens,
        threads: 1,
        provider: 'cpu',
        hasLanes: false,
      },
      { plainLayers, maxColumns: Number.POSITIVE_INFINITY },
    )
    const prompts = await readGolden(golden, golden.golden)
    for (const tokenBudget of [512, 5]) {
      const items = prompts.map(({ ids }) => ({
        tokenIds: Int32Array.from(ids),
        spans: [],
        logprobs: null,
        nTopLogprobs: 0,
        generated: null,
        logits: { start: 0, end: ids.length },
        states: null,
      }))
      const found: ScoredItem[] = []
      await score(
        session,
        { items, layers: [], tokenBudget, lanes: null, interventions: null, isBefore: false },
        {
          onItem: async (item) => {
            found.push(item)
          },
          onProgress: () => undefined,
          signal: new AbortController().signal,
        },
      )
      const { vocabSize } = architecture
      const drifts = found.map(({ index, logits }) => {
        const { positions, logits: expected } = prompts[index] as (typeof prompts)[number]
        const rows = positions.flatMap((p) =>
          Array.from(logits?.subarray(p * vocabSize, (p + 1) * vocabSize) ?? []),
        )
        return drift(rows, expected)
      })
      expect(drifts.length).toBe(prompts.length)
      expect(Math.max(...drifts)).toBeLessThan(2e-4)
    }
  },
)
