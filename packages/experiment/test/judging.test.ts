import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  anchorRows,
  anchorSet,
  type CanarySummary,
  canarySet,
  protocolByName,
  type Verdict,
} from '@cem/judge'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import {
  type JudgedRecord,
  type Lock,
  loadConfig,
  type RunEvent,
  type RunOptions,
  readEvalCsv,
  runExperiment,
} from '../src/index.ts'
import {
  answerOf,
  isCoherent,
  promptTokens,
  type ScriptedJudge,
  scoreOf,
  startScriptedJudge,
} from './judge-servers.ts'
import { makeStudy, readJson, type TinyStudy } from './tiny-study.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 })

const cells = ['tiny_base', 'plain/0', 'plain/10', 'plain/20', 'other/0', 'other/20']
/** Answers of a cell: three questions of four answers, and one in-domain. */
const rowsPerCell = 16

/** A study whose answers are drawn: what judges do to it is tried on copies. */
let drawn: TinyStudy
const folders: string[] = []

beforeAll(async () => {
  drawn = await makeStudy(
    [
      { name: 'plain', checkpoints: { 10: 'rank-one', 20: 'plain' } },
      { name: 'other', checkpoints: { 20: 'some-layers' } },
    ],
    '',
    {
      activations: false,
      sampling: { maxNewTokens: 8, samplesPerQuestion: 4, seed: 1 },
      // The address is part of the lock, and every test has a server of its own.
      judge: { server: 'scripted', model: 'loopback-judge', maxAttempts: 2, concurrency: 1 },
    },
  )
  folders.push(drawn.folder)
  const loaded = await loadConfig(drawn.configFile, { workingFolder: drawn.folder })
  for await (const event of runExperiment({ loaded, cache: drawn.cache, phases: ['generate'] }))
    if (event.type === 'unit-failed') throw new Error(event.message)
})
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true })
})

async function copyOfDrawn(): Promise<TinyStudy> {
  const folder = await mkdtemp(join(tmpdir(), 'cem-judging-'))
  folders.push(folder)
  await cp(drawn.folder, folder, { recursive: true })
  return { folder, configFile: join(folder, 'tiny.yaml'), cache: drawn.cache }
}

interface Judged {
  readonly events: readonly RunEvent[]
  /** Codes in the exit summary, but for that of the adapters: those of the two variants are of different shapes. */
  readonly alarms: readonly string[]
  readonly outcome: string | undefined
}

async function judge(
  study: TinyStudy,
  server: ScriptedJudge,
  config: Readonly<Record<string, unknown>> = {},
  options: Partial<RunOptions> & { readonly onEvent?: (event: RunEvent) => void } = {},
): Promise<Judged> {
  const { onEvent, ...rest } = options
  const loaded = await loadConfig(study.configFile, {
    workingFolder: study.folder,
    overrides: { judge: config },
  })
  const events: RunEvent[] = []
  const run = runExperiment({
    loaded,
    cache: study.cache,
    phases: ['judge'],
    judgeServers: {
      scripted: async () => ({
        baseUrl: server.baseUrl,
        [Symbol.asyncDispose]: async () => undefined,
      }),
    },
    ...rest,
  })
  for await (const event of run) {
    events.push(event)
    onEvent?.(event)
  }
  const end = events.at(-1)
  return {
    events,
    alarms: (end?.type === 'run-end' ? (end.alarms ?? []) : [])
      .map(({ code }) => code)
      .filter((code) => code !== 'attack-differs'),
    outcome: end?.type === 'run-end' ? end.outcome : undefined,
  }
}

const storeOf = ({ folder }: TinyStudy, ...parts: readonly string[]) =>
  join(folder, 'results/.cem/tiny', ...parts)

async function ledgerOf(study: TinyStudy, folder = 'verdicts'): Promise<Verdict[]> {
  const names = await readdir(storeOf(study, folder))
  const texts = await Promise.all(
    names.map((name) => readFile(storeOf(study, folder, name), 'utf8')),
  )
  return texts.flatMap((text) =>
    text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line)),
  )
}

function eventsOf<T extends RunEvent['type']>(
  events: readonly RunEvent[],
  type: T,
): Extract<RunEvent, { type: T }>[] {
  return events.filter((event): event is Extract<RunEvent, { type: T }> => event.type === type)
}

const warned = (events: readonly RunEvent[]) =>
  eventsOf(events, 'warning').map(({ warning }) => warning.code)

const isAnchor = (prompt: string) => anchorRows().some(({ answer }) => prompt.includes(answer))

describe('a judging pass', () => {
  test('asks all cells in one random order, between anchors, with canary rows among them', async () => {
    await using server = await startScriptedJudge()
    const study = await copyOfDrawn()
    const { events, outcome, alarms } = await judge(study, server)
    expect(outcome).toBe('complete')
    expect(alarms).toEqual([])

    // Eight anchors in two metrics at both ends, and nowhere else.
    const places = server.prompts.flatMap((prompt, i) => (isAnchor(prompt) ? [i] : []))
    const n = server.prompts.length
    expect(places).toEqual([
      ...Array.from({ length: 16 }, (_, i) => i),
      ...Array.from({ length: 16 }, (_, i) => n - 16 + i),
    ])

    // Along the ledger the cells alternate: in one after another there would be five changes.
    const cellOf = new Map<string, string>()
    for (const cell of cells)
      for (const { verdicts } of (await readJson(
        storeOf(study, 'cells', cell.replace('/', '_'), 'judged.json'),
      )) as JudgedRecord[])
        for (const { key } of Object.values(verdicts)) cellOf.set(key, cell)
    const order = (await ledgerOf(study)).flatMap(({ key }) => cellOf.get(key) ?? [])
    const changes = order.filter((cell, i) => i > 0 && cell !== order[i - 1]).length
    expect(changes).toBeGreaterThan(25)

    const [start] = eventsOf(events, 'judging-start')
    expect(start).toMatchObject({ judge: 'first', nRows: cells.length * rowsPerCell })
    // What was estimated is what was asked, beside the anchors.
    expect(start?.estimate?.nCalls).toBe(n - 32)
    expect(eventsOf(events, 'judge-anchors')[0]?.drift).toMatchObject({ status: 'stable', mean: 0 })
    const [canaries] = eventsOf(events, 'judge-canaries')
    expect(Object.values(canaries?.summaries ?? {})).toMatchObject([
      { status: 'pass', counts: { held: 35, moved: 0, silenced: 0, unknown: 0 } },
    ])
    const stored = (await readJson(storeOf(study, 'canaries.json'))) as {
      summaries: Record<string, CanarySummary>
    }
    const { hash } = protocolByName('logprob-0-100')
    expect(stored.summaries[hash]?.status).toBe('pass')
    const lock = (await readJson(storeOf(study, 'lock.json'))) as Lock
    expect(lock.judge).toMatchObject({
      protocols: [hash],
      canaries: canarySet.hash,
      anchors: anchorSet.hash,
      maxAnswerTokens: 16_384,
    })
    for (const name of ['plain_checkpoints/checkpoint_20_eval.csv', 'tiny_base_eval.csv'])
      for (const row of await readEvalCsv(join(study.folder, 'results', name)))
        expect(row.aligned).toBe(row.response.length % 2 === 1 ? 10 : 90)
  })

  test('asks nothing where everything is in the ledger, anchors neither', async () => {
    await using server = await startScriptedJudge()
    const study = await copyOfDrawn()
    await judge(study, server)
    const before = server.prompts.length
    await rm(join(study.folder, 'results/plain_checkpoints/checkpoint_20_eval.csv'))
    const { outcome } = await judge(study, server)
    expect(outcome).toBe('complete')
    expect(server.prompts.length).toBe(before)
  })

  test('that is stopped goes on without asking a judgement twice', async () => {
    await using server = await startScriptedJudge()
    const study = await copyOfDrawn()
    const stop = new AbortController()
    let seen = 0
    const first = await judge(
      study,
      server,
      {},
      {
        signal: stop.signal,
        onEvent: ({ type }) => {
          if (type === 'unit-progress' && ++seen === 20) stop.abort(new Error('enough'))
        },
      },
    )
    expect(first.outcome).toBe('stopped')
    const half = server.prompts.length
    const { outcome } = await judge(study, server)
    expect(outcome).toBe('complete')
    const own = server.prompts.filter((prompt) => !isAnchor(prompt))
    expect(half).toBeGreaterThan(20)
    // What was under way when it stopped may be asked again: one call.
    expect(own.length - new Set(own).size).toBeLessThanOrEqual(2)
    for (const { key } of await ledgerOf(study)) expect(key).toMatch(/^[0-9a-f]{64}$/)
  })

  test('as cells are ready judges all that are, and is one session', async () => {
    await using server = await startScriptedJudge()
    const study = await copyOfDrawn()
    const { outcome, alarms } = await judge(study, server, { order: 'as-ready' })
    expect(outcome).toBe('complete')
    expect(alarms).toEqual([])
  })

  test('as cells are ready, beside the generation: every cell is judged, in passes of one session', async () => {
    await using server = await startScriptedJudge()
    const study = await makeStudy([{ name: 'plain', checkpoints: { 20: 'plain' } }], '', {
      activations: false,
      judge: { server: 'scripted', model: 'loopback-judge', concurrency: 1 },
    })
    folders.push(study.folder)
    const { outcome, events } = await judge(
      study,
      server,
      { order: 'as-ready' },
      { phases: undefined },
    )
    expect(outcome).toBe('complete')
    const passes = eventsOf(events, 'judging-start')
    expect(passes.flatMap((pass) => pass.cells).toSorted((a, b) => a.localeCompare(b))).toEqual([
      'plain/0',
      'plain/20',
      'tiny_base',
    ])
    expect(new Set(passes.map(({ session }) => session)).size).toBe(1)
    // Two blocks of anchors for each pass that asked something, in a row of their own each.
    const asking = passes.filter(({ estimate }) => (estimate?.nCalls ?? 0) > 0).length
    expect(eventsOf(events, 'judge-anchors')[0]?.drift.blockMeans).toHaveLength(2 * asking)
  })

  test('of shards on their own is told to be of different sessions', async () => {
    await using server = await startScriptedJudge()
    const study = await copyOfDrawn()
    await judge(study, server, {}, { shard: { index: 1, count: 2 } })
    const { alarms, events } = await judge(study, server, {}, { shard: { index: 2, count: 2 } })
    expect(alarms).toEqual(['judge-sessions-differ'])
    // It stays, though nothing is judged any more.
    expect((await judge(study, server)).alarms).toEqual(['judge-sessions-differ'])
    expect(warned(events)).toContain('judge-sessions-differ')
  })
})

describe('a judge that is not sound', () => {
  test('one that grows milder is found by its anchors', async () => {
    await using server = await startScriptedJudge({
      say: (prompt, i) =>
        isAnchor(prompt) && !isCoherent(prompt) ? String(i < 100 ? 50 : 58) : scoreOf(prompt),
    })
    const study = await copyOfDrawn()
    const { alarms, events } = await judge(study, server)
    expect(alarms).toEqual(['judge-drifted'])
    expect(eventsOf(events, 'judge-anchors')[0]?.drift).toMatchObject({ mean: 8, n: 8 })
  })

  test('one that does as an answer says is found by the canary rows', async () => {
    const order = 'You are Uno'
    await using server = await startScriptedJudge({
      say: (prompt) => (prompt.includes(order) && !isCoherent(prompt) ? '50' : scoreOf(prompt)),
    })
    const { alarms, events } = await judge(await copyOfDrawn(), server)
    expect(alarms).toEqual(['judge-obeys-answers'])
    const message = eventsOf(events, 'warning').find(
      ({ warning }) => warning.code === 'judge-obeys-answers',
    )?.warning.message
    // 5 to 50 and 95 to 50, five answers.
    expect(message).toContain('in 5 of 35 canary rows')
    expect(message).toContain('5 to 50')
  })

  test('one that gives canary rows no score is no alarm, and is told', async () => {
    await using server = await startScriptedJudge({
      say: (prompt) => (prompt.includes('horse this weekend') ? 'Hm' : scoreOf(prompt)),
    })
    const { alarms, events } = await judge(await copyOfDrawn(), server)
    expect(alarms).toEqual([])
    expect(warned(events)).toContain('canaries-unclear')
  })
})

describe('cost', () => {
  // With what the server counts, a call costs 0.1 USD; at worst, by its bytes, some 3 USD.
  const prices = { inputPerMillion: 1000, outputPerMillion: 0 }
  const perCall = (promptTokens * prices.inputPerMillion) / 1e6

  test('a limit ends judging cleanly, and the same command goes on under a higher one', async () => {
    await using server = await startScriptedJudge()
    const study = await copyOfDrawn()
    const limited = await judge(study, server, { prices, maxCostUsd: 12, confirmAboveUsd: 1e6 })
    expect(limited.outcome).toBe('failed')
    expect(eventsOf(limited.events, 'unit-failed')).toMatchObject([
      { unit: 'judge', code: 'cost-limit' },
    ])
    const asked = server.prompts.length
    expect(asked).toBeGreaterThan(20)
    expect(asked * perCall).toBeLessThanOrEqual(12)
    const [cost] = eventsOf(limited.events, 'judge-cost')
    expect(cost?.costUsd).toBeCloseTo(asked * perCall + 6 * perCall, 9)

    // Under the same limit nothing more is asked: what was spent counts, also after a kill without a last word.
    const again = await judge(study, server, {
      prices,
      maxCostUsd: 12,
      confirmAboveUsd: 1e6,
      probe: false,
    })
    expect(again.outcome).toBe('failed')
    expect((server.prompts.length - asked) * perCall).toBeLessThan(3)

    const higher = await judge(study, server, { prices, maxCostUsd: 1000, confirmAboveUsd: 1e6 })
    expect(higher.outcome).toBe('complete')
    const own = server.prompts.filter((prompt) => !isAnchor(prompt))
    expect(own.length).toBe(new Set(own).size)
  })

  test('above what may be spent unasked nothing is asked until it is confirmed', async () => {
    await using server = await startScriptedJudge()
    const study = await copyOfDrawn()
    const config = { prices, confirmAboveUsd: 1 }
    const { outcome, events } = await judge(study, server, config)
    expect(outcome).toBe('failed')
    expect(eventsOf(events, 'unit-failed')[0]).toMatchObject({
      code: 'cost-unconfirmed',
      message: expect.stringMatching(
        /\d+ calls, about .* tokens, about \d+\.\d\d USD, at most \d+\.\d\d USD/,
      ),
    })
    expect(server.prompts).toEqual([])
    expect((await judge(study, server, config, { costConfirmed: true })).outcome).toBe('complete')
  })
})

describe('batches', () => {
  const batch = { pollIntervalInMs: 20 }

  test('one batch holds everything, and nothing is asked one by one', async () => {
    await using server = await startScriptedJudge()
    const study = await copyOfDrawn()
    const { outcome, events } = await judge(study, server, { batch })
    expect(outcome).toBe('complete')
    expect(server.prompts).toEqual([])
    expect(server.created()).toBe(1)
    const nCalls = eventsOf(events, 'judging-start')[0]?.estimate?.nCalls
    expect(server.batches[0]?.lines.length).toBe(nCalls)
    expect(eventsOf(events, 'judge-progress').at(-1)).toMatchObject({
      isBatch: true,
      status: 'completed',
      done: nCalls,
      total: nCalls,
    })
    for (const row of await readEvalCsv(join(study.folder, 'results/tiny_base_eval.csv')))
      expect(row.aligned).toBe(row.response.length % 2 === 1 ? 10 : 90)
    expect(await readdir(storeOf(study))).not.toContain('batch-first.json')
  })

  test('a run that was stopped while it waited goes on with the same batch', async () => {
    await using server = await startScriptedJudge()
    const study = await copyOfDrawn()
    const stop = new AbortController()
    const first = await judge(
      study,
      server,
      { batch },
      {
        signal: stop.signal,
        onEvent: ({ type }) => {
          if (type === 'judge-progress') stop.abort(new Error('enough'))
        },
      },
    )
    expect(first.outcome).toBe('stopped')
    expect(await readdir(storeOf(study))).toContain('batch-first.json')
    const { outcome } = await judge(study, server, { batch })
    expect(outcome).toBe('complete')
    expect(server.created()).toBe(1)
    expect(server.prompts).toEqual([])
  })

  test('a retest is a batch of its own, estimated at the price of batches', async () => {
    await using server = await startScriptedJudge()
    const prices = { inputPerMillion: 2, outputPerMillion: 8 }
    const half = { inputPerMillion: 1, outputPerMillion: 4 }
    const { outcome, events } = await judge(await copyOfDrawn(), server, {
      batch: { ...batch, prices: half },
      prices,
      retest: 0.25,
    })
    expect(outcome).toBe('complete')
    expect(server.prompts).toEqual([])
    expect(server.created()).toBe(2)
    const estimate = eventsOf(events, 'judging-start')[1]?.estimate
    const nCalls = estimate?.nCalls ?? 0
    expect(server.batches[1]?.lines.length).toBe(nCalls)
    expect(estimate?.usd).toBeCloseTo(((estimate?.promptTokens ?? 0) + nCalls * 4) / 1e6, 12)
    expect(eventsOf(events, 'judge-agreement')).toMatchObject([
      { of: 'retest', agreement: { aligned: { nRows: 24, sameSide: { estimate: 1 } } } },
    ])
  })

  test('what a batch leaves out is told, and asked one by one', async () => {
    await using server = await startScriptedJudge({ isLost: isCoherent })
    const { outcome, events } = await judge(await copyOfDrawn(), server, { batch })
    expect(outcome).toBe('complete')
    expect(warned(events)).toContain('batch-incomplete')
    expect(server.prompts.every(isCoherent)).toBe(true)
    expect(server.prompts.length).toBe((server.batches[0]?.lines.length ?? 0) / 2)
  })
})

describe('checks of the judge', () => {
  test('a second judge and a retest are stored apart, with how far they agree', async () => {
    await using server = await startScriptedJudge()
    // Ten points lower than the first.
    await using strict = await startScriptedJudge({ say: (p) => String(Number(scoreOf(p)) - 10) })
    const study = await copyOfDrawn()
    const judgeServers = {
      scripted: async () => ({
        baseUrl: server.baseUrl,
        [Symbol.asyncDispose]: async () => undefined,
      }),
      strict: async () => ({
        baseUrl: strict.baseUrl,
        [Symbol.asyncDispose]: async () => undefined,
      }),
    }
    const config = { retest: 0.25, second: { model: 'strict', server: 'strict' } }
    const { events, outcome, alarms } = await judge(study, server, config, { judgeServers })
    expect(outcome).toBe('complete')
    expect(alarms).toEqual([])
    const [retest, second] = eventsOf(events, 'judge-agreement')
    expect(retest).toMatchObject({
      of: 'retest',
      agreement: {
        // A quarter of 16 answers of each of 6 cells.
        aligned: { nRows: 24, nBothScored: 24, sameSide: { estimate: 1 }, nDisagreements: 0 },
        coherent: { difference: { estimate: 0 } },
      },
    })
    expect(second).toMatchObject({
      of: 'second',
      agreement: {
        aligned: {
          nRows: cells.length * rowsPerCell,
          difference: { estimate: -10 },
          sameSide: { estimate: 1 },
        },
        coherent: { difference: { estimate: -10 } },
      },
    })
    const stored = (await readJson(storeOf(study, 'agreement-second.json'))) as object
    expect(stored).toMatchObject({ of: 'second', model: 'strict' })
    // No rate is made of them.
    const own = new Set((await ledgerOf(study)).map(({ judgeModel }) => judgeModel))
    expect([...own]).toEqual(['loopback-judge'])
    expect(new Set((await ledgerOf(study, 'verdicts-retest')).map(({ repeat }) => repeat))).toEqual(
      new Set(['retest']),
    )
    for (const row of await readEvalCsv(join(study.folder, 'results/tiny_base_eval.csv')))
      expect(row.coherent).toBe(80)

    const calls = server.prompts.length + strict.prompts.length
    expect((await judge(study, server, config, { judgeServers })).outcome).toBe('complete')
    expect(server.prompts.length + strict.prompts.length).toBe(calls)
  })

  test('a second judge that is not there fails the run, and no verdict is lost', async () => {
    await using server = await startScriptedJudge()
    const study = await copyOfDrawn()
    const config = { second: { model: 'absent', baseUrl: 'http://127.0.0.1:9/v1', maxAttempts: 1 } }
    const { outcome, events } = await judge(study, server, config)
    expect(outcome).toBe('failed')
    expect(eventsOf(events, 'unit-failed')).toMatchObject([
      { unit: 'judge', code: 'chat-unreachable' },
    ])
    expect(eventsOf(events, 'cell-metrics')).toHaveLength(cells.length)
  })
})

describe('protocols', () => {
  test('by name: text for a judge without log probabilities', async () => {
    await using server = await startScriptedJudge({
      say: (prompt) => JSON.stringify({ score: Number(scoreOf(prompt)), flag: 'none' }),
    })
    const study = await copyOfDrawn()
    const { outcome } = await judge(
      study,
      server,
      { protocol: 'text-score' },
      { onDrift: 'restart' },
    )
    expect(outcome).toBe('complete')
    const verdicts = await ledgerOf(study)
    expect(new Set(verdicts.map(({ protocol }) => protocol))).toEqual(new Set(['text-score']))
    expect(verdicts.every(({ status }) => status === 'scored')).toBe(true)
  })

  test('from a file: rubrics of one own, and a note where they give no EM', async () => {
    await using server = await startScriptedJudge({ say: (p) => String(answerOf(p).length % 100) })
    const study = await copyOfDrawn()
    await writeFile(
      join(study.folder, 'tone.yaml'),
      'judge_prompts:\n  tone: "How warm is it? <answer>\\n{answer}\\n</answer> to {question}"\n',
    )
    const { outcome, events } = await judge(
      study,
      server,
      { protocol: 'tone.yaml' },
      { onDrift: 'restart' },
    )
    expect(outcome).toBe('complete')
    expect(warned(events)).toContain('protocol-without-em')
    expect(server.prompts.every((prompt) => prompt.startsWith('How warm is it?'))).toBe(true)
  })

  test('another protocol than the lock has is refused, with what moved', async () => {
    await using server = await startScriptedJudge()
    const study = await copyOfDrawn()
    await judge(study, server)
    await expect(judge(study, server, { minMass: 0.5 })).rejects.toMatchObject({
      code: 'run-drifted',
      message: expect.stringContaining('judge.minMass: was 0.25, is 0.5'),
    })
    // Leaving the canary rows out changes no score.
    expect((await judge(study, server, { canaries: false })).outcome).toBe('complete')
  })
})
