import { execFileSync } from 'node:child_process'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { openActivationSet } from '@cem/activations'
import { CemError } from '@cem/core'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { loadConfig, type RunEvent, runExperiment } from '../src/index.ts'
import { EngineRestarts, type RestartableWork } from '../src/run/engine-restarts.ts'
import { makeStudy, type TinyStudy } from './tiny-study.ts'

vi.setConfig({ testTimeout: 120_000 })

/** The engine's process: a child of this one. */
function enginePid(): number | undefined {
  const listing = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' })
  const line = listing
    .split('\n')
    .map((text) => text.trim().split(/\s+/))
    .find(
      ([, parent, ...args]) =>
        Number(parent) === process.pid && args.join(' ').includes('engine-process'),
    )
  return line === undefined ? undefined : Number(line[0])
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Kills the engine, and waits until it is gone. */
async function killEngine(): Promise<void> {
  const pid = enginePid()
  if (pid === undefined) throw new Error('no engine is running')
  process.kill(pid, 'SIGKILL')
  while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 10))
}

const variants = [{ name: 'plain', checkpoints: { 10: 'rank-one' } }]
const config = {
  sampling: { maxNewTokens: 12, samplesPerQuestion: 30, seed: 1, batchSize: 8 },
  activations: { layers: 'all', span: 'turn' },
}

/** Draws all answers; the engine is killed when the answers of these numbers are taken. */
async function generate(study: TinyStudy, killAt: readonly number[] = []): Promise<RunEvent[]> {
  const loaded = await loadConfig(study.configFile, { workingFolder: study.folder })
  let nTaken = 0
  const gate = async () => {
    nTaken += 1
    if (killAt.includes(nTaken)) await killEngine()
  }
  const events: RunEvent[] = []
  for await (const event of runExperiment({
    loaded,
    cache: study.cache,
    phases: ['generate'],
    gate,
  }))
    events.push(event)
  return events
}

/** Every stored answer of a cell, in the order of their names; each line of each file. */
async function answers(study: TinyStudy, cell: string): Promise<string[]> {
  const folder = join(study.folder, 'results/.cem/tiny/cells', cell, 'completions')
  const files = await readdir(folder)
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')))
  return texts.join('').trimEnd().split('\n').toSorted()
}

describe.skipIf(process.platform === 'win32')(
  'the engine is killed in the middle of a cell (not on Windows, which has no ps)',
  () => {
    let undisturbed: TinyStudy
    let killed: TinyStudy
    let events: RunEvent[]
    beforeAll(async () => {
      undisturbed = await makeStudy(variants, 'http://127.0.0.1:9', config)
      killed = await makeStudy(variants, 'http://127.0.0.1:9', config)
      await generate(undisturbed)
      // Of 120 answers in each of three cells: twice in the first, once in the second.
      events = await generate(killed, [10, 60, 150])
    }, 120_000)
    afterAll(async () => {
      for (const study of [undisturbed, killed])
        await rm(study.folder, { recursive: true, force: true })
    })

    test('each death is one clear warning, and the run goes on to its end', () => {
      const warnings = events
        .filter((event) => event.type === 'warning')
        .map(({ warning }) => warning)
      const restarts = warnings.filter(({ code }) => code === 'engine-restarted')
      expect(restarts.map(({ cells }) => cells)).toEqual([
        ['tiny_base'],
        ['tiny_base'],
        ['plain/0'],
      ])
      for (const { message } of restarts)
        expect(message).toMatch(/SIGKILL.*started again.*drawn again/)
      // 8, then half of what was in progress each time.
      expect(restarts.map(({ message }) => /at most (\d+)/.exec(message)?.[1])).toEqual([
        '4',
        '2',
        '1',
      ])
      expect(events.filter(({ type }) => type === 'unit-failed')).toEqual([])
      expect(events.at(-1)).toMatchObject({ type: 'run-end', outcome: 'complete' })
    })

    test('answers that were stored are not drawn again, and progress never falls back', () => {
      const done = new Map<string, number>()
      const starts: Record<string, number[]> = {}
      for (const event of events) {
        if (event.type !== 'unit-start' && event.type !== 'unit-progress') continue
        expect(event.done).toBeGreaterThanOrEqual(done.get(event.unit) ?? 0)
        expect(event.total).toBe(120)
        done.set(event.unit, event.done)
        if (event.type === 'unit-start')
          starts[event.unit] = [...(starts[event.unit] ?? []), event.done]
      }
      const [first = -1, second = -1, third = -1] = starts['generate:tiny_base'] ?? []
      expect(first).toBe(0)
      // The answer that is being taken and those that had come before the death are stored.
      expect(second).toBeGreaterThanOrEqual(10)
      expect(third).toBeGreaterThanOrEqual(60)
      expect(starts['generate:plain/10']).toEqual([0])
    })

    test.each(['tiny_base', 'plain_0'])(
      'every answer is there once, the same to the bit (%s)',
      async (cell) => {
        const own = await answers(killed, cell)
        expect(own).toHaveLength(120)
        expect(own).toEqual(await answers(undisturbed, cell))
      },
    )

    test('the activations are the same to the bit', async () => {
      const path = (study: TinyStudy) => join(study.folder, 'results/tiny_base_activations.npz')
      await using own = await openActivationSet(path(killed))
      await using expected = await openActivationSet(path(undisturbed))
      expect(own.shape).toEqual(expected.shape)
      for (const layer of own.shape.layers)
        expect(await own.readLayer(layer)).toEqual(await expected.readLayer(layer))
    })
  },
)

describe('restarts', () => {
  const death = (signal: string | null, batchSize?: number) =>
    new CemError({ code: 'engine-died', message: 'It died.', data: { signal, batchSize } })

  /** Work that fails with these errors, one an attempt, after so many answers were stored. */
  function script(attempts: readonly { stored: number; error?: Error }[]) {
    const log = { limits: [] as (number | undefined)[], warnings: [] as string[], discarded: 0 }
    let stored = 0
    const work: RestartableWork<string> = {
      signal: new AbortController().signal,
      work: async (limit) => {
        const attempt = attempts[log.limits.length]
        log.limits.push(limit)
        stored = attempt?.stored ?? stored
        if (attempt?.error) throw attempt.error
        return 'done'
      },
      discard: async () => {
        log.discarded += 1
      },
      nStored: async () => stored,
      warn: async (message) => {
        log.warnings.push(message)
      },
    }
    return { work, log }
  }

  test('go on as long as answers come between the deaths', async () => {
    const error = death('SIGSEGV', 8)
    const { work, log } = script([1, 2, 3, 4, 5, 6].map((stored) => ({ stored, error })))
    await expect(new EngineRestarts().perform(work)).resolves.toBe('done')
    expect(log.warnings).toHaveLength(6)
    expect(log.discarded).toBe(6)
    // It crashed; it was not short of memory.
    expect(new Set(log.limits)).toEqual(new Set([undefined]))
  })

  test('end with the third death in a row without an answer', async () => {
    const { work, log } = script(
      [1, 2, 3, 4].map(() => ({ stored: 0, error: death('SIGKILL', 8) })),
    )
    await expect(new EngineRestarts().perform(work)).rejects.toMatchObject({
      code: 'engine-died',
      message: expect.stringContaining('3 times in a row'),
    })
    expect(log.limits).toEqual([undefined, 4, 4])
    expect(log.warnings).toHaveLength(2)
    expect(log.discarded).toBe(3)
  })

  test('halve what is in progress where memory was short, down to one, also for later units', async () => {
    const restarts = new EngineRestarts()
    const first = script([
      { stored: 1, error: death('SIGKILL', 5) },
      { stored: 2, error: death('SIGKILL', 2) },
      { stored: 3, error: death('SIGKILL', 1) },
    ])
    await restarts.perform(first.work)
    expect(first.log.limits).toEqual([undefined, 2, 1, 1])
    const second = script([])
    await restarts.perform(second.work)
    expect(second.log.limits).toEqual([1])
  })

  test('are not for other errors, nor for a run that was stopped', async () => {
    const other = script([{ stored: 0, error: new Error('other') }])
    await expect(new EngineRestarts().perform(other.work)).rejects.toThrow('other')
    expect(other.log.discarded).toBe(0)
    const stopped = script([{ stored: 0, error: death('SIGKILL', 8) }])
    const signal = AbortSignal.abort()
    await expect(new EngineRestarts().perform({ ...stopped.work, signal })).rejects.toThrow(
      'It died.',
    )
    expect(stopped.log.limits).toEqual([undefined])
  })
})
