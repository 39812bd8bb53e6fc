import { join } from 'node:path'
import { expect, test } from 'vitest'
import { DecoderSession } from '../src/engine/decoder-session.ts'
import type { ScoredItem } from '../src/engine/messages.ts'
import { score } from '../src/engine/score.ts'
import { prefixGroups } from '../src/engine/shared-prefix.ts'
import { openModelFolder } from '../src/model/model-folder.ts'
import { drift, fixtures, modelNamed, readGolden } from './golden.ts'

const nothing = {
  spans: [],
  logprobs: null,
  nTopLogprobs: 0,
  generated: null,
  logits: null,
  states: null,
}
const prompt = Array.from({ length: 40 }, (_, i) => 3 + ((i * 37) % 200))
const answers = [[5, 6], [7], [8, 9, 10], [5, 11]]

function itemsOf(texts: readonly (readonly number[])[], from: number) {
  return texts.map((answer) => ({
    ...nothing,
    tokenIds: Int32Array.from([...prompt, ...answer]),
    logprobs: { start: from, end: prompt.length + answer.length },
    spans: [{ start: prompt.length, end: prompt.length + answer.length }],
  }))
}

async function open() {
  const { architecture, weights } = await openModelFolder(
    join(fixtures, modelNamed('gqa-6-2-tied').folder),
  )
  const nTokens = architecture.vocabSize
  const spec = { architecture, weights, nTokens, threads: 1, hasLanes: false }
  return DecoderSession.open({ ...spec, provider: 'cpu' })
}

test('what several texts begin with is computed once, and their numbers are those of each alone', async () => {
  await using session = await open()
  let nFed = 0
  const counting = {
    architecture: session.architecture,
    nTokens: session.nTokens,
    attention: session.attention,
    readsWholeTexts: session.readsWholeTexts,
    newCache: (rows: number, capacity: number) => session.newCache(rows, capacity),
    run: (run: Parameters<typeof session.run>[0]) => {
      nFed += run.nRows * run.nColumns
      return session.run(run)
    },
  }
  const run = async (items: ReturnType<typeof itemsOf>, tokenBudget = 512) => {
    const found: ScoredItem[] = []
    nFed = 0
    const layers = [0, 1]
    await score(
      counting,
      { items, lanes: null, interventions: null, isBefore: false, layers, tokenBudget },
      {
        onItem: async (item) => {
          found.push(item)
        },
        onProgress: () => undefined,
        signal: new AbortController().signal,
      },
    )
    return { nFed, found: found.toSorted((a, b) => a.index - b.index) }
  }
  const items = itemsOf(answers, prompt.length)
  const together = await run(items)
  // 39 tokens once; then the prompt's last token and the answer of each, which are as long as there are texts.
  expect(together.nFed).toBe(39 + 3 + 2 + 4 + 3)
  // More texts than tokens: one token of each at a time, the longest answer's four.
  const many = await run([...items, ...items])
  expect(many.nFed).toBe(39 + 8 * 4)
  const small = await run(items, 8)
  for (const [i, item] of items.entries()) {
    const alone = await run([item])
    expect(alone.nFed).toBe(item.tokenIds.length)
    for (const shared of [together, small, many]) {
      const [a, b] = [shared.found[i] as ScoredItem, alone.found[0] as ScoredItem]
      expect(drift(a.logprobs ?? [], b.logprobs ?? [])).toBeLessThan(1e-5)
      expect(drift(a.means, b.means)).toBeLessThan(1e-5)
    }
  }
  // Log-probabilities of the prompt too: nothing can be left out.
  expect((await run(itemsOf(answers, 1))).nFed).toBe(4 * 43)
})

test('a shared beginning gives the log-probabilities of Transformers', async () => {
  await using session = await open()
  const golden = modelNamed('gqa-6-2-tied')
  const texts = (await readGolden(golden, golden.golden)).filter(({ ids }) => ids.length > 20)
  expect(texts.length).toBeGreaterThan(0)
  for (const { ids, tokenLogprobs } of texts) {
    const start = ids.length - 3
    const item = {
      ...nothing,
      tokenIds: Int32Array.from(ids),
      logprobs: { start, end: ids.length },
    }
    const found: ScoredItem[] = []
    await score(
      session,
      {
        items: [item, item],
        lanes: null,
        interventions: null,
        isBefore: false,
        layers: [],
        tokenBudget: 64,
      },
      {
        onItem: async (scored) => {
          found.push(scored)
        },
        onProgress: () => undefined,
        signal: new AbortController().signal,
      },
    )
    // The golden list starts with the second token.
    const expected = tokenLogprobs.slice(start - 1)
    for (const { logprobs } of found) expect(drift(logprobs ?? [], expected)).toBeLessThan(2e-4)
    expect(found).toHaveLength(2)
  }
})

test('texts are grouped by what they begin with, whatever comes after, and by their lane', () => {
  const index = (items: ReturnType<typeof itemsOf>) =>
    items.map((item, i) => ({ ...item, index: i }))
  const items = index([...itemsOf(answers, prompt.length), ...itemsOf([[1]], 3)])
  const sizes = (groups: ReturnType<typeof prefixGroups>) =>
    groups.map(({ items: members, length }) => [members.map((m) => m.index), length])
  expect(sizes(prefixGroups(items, null))).toEqual([
    [[4], 0],
    [[0, 1, 2, 3], 39],
  ])
  const laneOf = Int32Array.of(0, 1, 0, 1, 0)
  expect(sizes(prefixGroups(items, { adapters: [[], []], laneOf }))).toEqual([
    [[4], 0],
    [[0, 2], 39],
    [[1, 3], 39],
  ])
  expect(prefixGroups([], null)).toEqual([])
})
