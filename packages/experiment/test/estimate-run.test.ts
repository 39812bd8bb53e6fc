import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { estimateRun, loadConfig, type Phase, runExperiment } from '../src/index.ts'
import { type LoopbackJudge, makeStudy, startJudge, type TinyStudy } from './tiny-study.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const prices = { inputPerMillion: 2, outputPerMillion: 8 }
let judge: LoopbackJudge
let study: TinyStudy
beforeAll(async () => {
  judge = await startJudge()
  study = await makeStudy([{ name: 'attacked', checkpoints: { 10: 'rslora' } }], judge.url, {
    judge: { baseUrl: judge.url, model: 'loopback-judge', prices, anchorsEvery: 20 },
    activations: false,
  })
})
afterAll(async () => {
  await judge[Symbol.asyncDispose]()
  await rm(study.folder, { recursive: true, force: true })
})

const load = (judgeConfig: object = {}) =>
  loadConfig(study.configFile, {
    workingFolder: study.folder,
    overrides: { judge: judgeConfig },
  })
const run = async (phases: readonly Phase[]) => {
  for await (const _event of runExperiment({
    loaded: await load(),
    cache: study.cache,
    phases,
    figures: false,
    report: false,
  })) {
    // To its end.
  }
}
const callsOf = ({ parts }: Awaited<ReturnType<typeof estimateRun>>) =>
  Object.fromEntries(parts.map(({ part, nCalls }) => [part, nCalls]))

// 3 cells (base, step 0, step 10), 4 questions, 4 answers each, 2 rubrics: 96 judgements.
test('before a run: answers, canary rows, anchors and the probe, and all of them priced', async () => {
  const estimate = await estimateRun(await load())
  expect(estimate.nJudgements).toBe(96)
  // 48 answers and 40 canary rows: 8 anchors at the start, after each 20 rows and at the end, 2 metrics each.
  expect(callsOf(estimate)).toEqual({ answers: 96, 'canary rows': 80, anchors: 96, probe: 6 })
  expect(estimate.absent).toEqual([])
  expect(estimate.nCalls).toBe(278)
  expect(estimate.usd).toBeCloseTo((estimate.promptTokens * 2 + 278 * 8) / 1e6, 12)
})

test('batches have prices of their own and no anchors; what is left out is not counted', async () => {
  const half = { inputPerMillion: 1, outputPerMillion: 4 }
  const online = await estimateRun(await load({ anchors: false, probe: false, canaries: false }))
  const batched = await estimateRun(
    await load({ batch: { prices: half }, probe: false, canaries: false }),
  )
  expect(callsOf(batched)).toEqual({ answers: 96 })
  expect(batched.usd).toBeCloseTo((online.usd ?? 0) / 2, 12)
})

test('a retest asks a share of each cell again, in batches where the answers are; a second judge has its own', async () => {
  const second = { model: 'other', baseUrl: judge.url, share: 0.5 }
  const estimate = await estimateRun(
    await load({
      // Half of the single prices, 2 and 8.
      batch: { prices: { inputPerMillion: 1, outputPerMillion: 4 } },
      probe: false,
      canaries: false,
      retest: 0.25,
      second: { ...second, probe: false, prices: { inputPerMillion: 0, outputPerMillion: 1000 } },
    }),
  )
  expect(callsOf(estimate)).toEqual({ answers: 96, retest: 24, 'second judge': 48 })
  const dollars = Object.fromEntries(estimate.parts.map(({ part, usd }) => [part, usd]))
  expect(dollars['second judge']).toBeCloseTo(0.048, 12)
  for (const { promptTokens, nCalls, usd } of estimate.parts.slice(0, 2))
    expect(usd).toBeCloseTo((promptTokens + nCalls * 4) / 1e6, 12)

  const unpriced = await estimateRun(await load({ second, canaries: false }))
  expect(unpriced.absent).toEqual([
    'second judge: unknown price: give judge.prices (USD per million tokens)',
    'probe: unknown price: give judge.prices (USD per million tokens)',
  ])
  // What is known is still said.
  expect(unpriced.usd).toBeGreaterThan(0)
})

test('calls that cannot be counted are named', async () => {
  const { parts, absent } = await estimateRun(await load({ protocol: 'logprob-0-100-exact' }))
  expect(parts.map(({ part }) => part)).toEqual(['probe'])
  expect(absent[0]).toBe(
    'answers: the calls of the protocol logprob-0-100-exact cannot be counted before',
  )
})

test('what is left is what the run then asks, to the call, and nothing is left after it', async () => {
  await run(['generate'])
  const before = await estimateRun(await load())
  // Equal answers are one call now.
  expect(before.nCalls).toBeLessThanOrEqual(278)
  await run(['judge'])
  expect(judge.calls()).toBe(before.nCalls - 6)
  expect(await estimateRun(await load())).toMatchObject({ nCalls: 0, usd: 0, parts: [] })
  expect((await estimateRun(await load(), { of: 'all' })).nCalls).toBe(278)
})
