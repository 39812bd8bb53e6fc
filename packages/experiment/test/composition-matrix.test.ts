import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startOracle } from '@cem/miniature'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import {
  type Analysis,
  loadConfig,
  type RunEvent,
  readControlRecord,
  runExperiment,
} from '../src/index.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 180_000 })

// configs/composition.yaml with a third of its answers.
const file = fileURLToPath(new URL('../../../configs/composition.yaml', import.meta.url))
let folder: string
let events: RunEvent[]
let analysis: Analysis

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cem-matrix-'))
  const loaded = await loadConfig(file, {
    workingFolder: folder,
    overrides: { sampling: { samplesPerQuestion: 4 } },
  })
  events = []
  const judgeServers = { 'miniature-oracle': () => startOracle({ seed: 0 }) }
  for await (const event of runExperiment({
    loaded,
    cache: join(folder, 'cache'),
    judgeServers,
    figures: false,
    report: false,
  }))
    events.push(event)
  analysis = JSON.parse(
    await readFile(join(folder, 'results/.cem/composition/analysis.json'), 'utf8'),
  )
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const cellOf = (id: string) => {
  const found = analysis.cells.find(({ cell }) => cell.id === id)
  if (found === undefined) throw new Error(`no cell ${id}`)
  return found
}
const emOf = (id: string) => cellOf(id).metrics.main.em.estimate as number
const cellsOf = (code: string) =>
  analysis.alarms.filter((alarm) => alarm.code === code).flatMap(({ cells }) => cells)

test('every training state runs with the persona on and off, and with a random adapter in its place', () => {
  expect(events.at(-1)).toMatchObject({ type: 'run-end', outcome: 'complete' })
  const states = ['none', 'merged', 'stacked_off', 'stacked_on']
  const expected = states.flatMap((state) =>
    ['persona', 'random'].flatMap((which) =>
      ['on', 'off'].map((at) => `${state}_${which}/160@persona-${at}`),
    ),
  )
  const [ofNone, later] = [expected.slice(0, 4), expected.slice(4)]
  expect(analysis.cells.map(({ cell }) => cell.id)).toEqual([
    'composition_base',
    'none/160',
    ...ofNone,
    'none_matched/160',
    ...later,
  ])
  const modes = expected.map((id) => [cellOf(id).cell.layers[0]?.role, cellOf(id).cell.persona])
  expect(modes.slice(4, 8)).toEqual([
    ['persona', 'merged'],
    ['persona', 'off'],
    ['control', 'merged'],
    ['control', 'off'],
  ])
})

test('what differs from its training is marked, and nothing else', () => {
  const expected = [
    ...['none', 'stacked_off'].map((state) => [state, 'on']),
    ...['merged', 'stacked_on'].map((state) => [state, 'off']),
  ].flatMap(([state, at]) =>
    ['persona', 'random'].map((which) => `${state}_${which}/160@persona-${at}`),
  )
  expect(cellsOf('persona-mismatch').toSorted()).toEqual(
    ['none_matched/160', ...expected].toSorted(),
  )
})

test('a persona that was switched off in training left no trace in the EM adapter, and the run says so', () => {
  const same = cellsOf('same-adapter')
  expect(same).toContain('none/160')
  expect(same).toContain('stacked_off_persona/160@persona-off')
  expect(same).toContain('stacked_off_random/160@persona-off')
  expect(cellsOf('persona-inactive-in-training')).toContain('stacked_off_persona/160@persona-on')
  expect(emOf('stacked_off_persona/160@persona-off')).toBe(emOf('none/160'))
})

test('on at inference alone it looks like protection, and is marked as none', () => {
  // Measured with 12 answers a question: 16 % against 58 %.
  expect(emOf('stacked_off_persona/160@persona-on')).toBeLessThan(emOf('none/160') - 0.2)
  const comparison = analysis.comparisons.find(
    ({ condition }) => condition === 'stacked_off_persona@persona-on',
  )
  expect(comparison?.notComparable).toContain('persona not as in training')
})

test('the random adapter is active, and does less to the logits than the persona', () => {
  const effectOf = (cell: string, role: string) =>
    events.flatMap((event) =>
      event.type === 'self-test' && event.unit === `generate:${cell}`
        ? event.report.layers.flatMap((layer) => (layer.role === role ? [layer.effect] : []))
        : [],
    )[0] ?? Number.NaN
  const random = effectOf('stacked_on_random/160@persona-on', 'control')
  expect(random).toBeGreaterThan(1e-5)
  expect(random).toBeLessThan(effectOf('stacked_on_persona/160@persona-on', 'persona'))
})

test('a random adapter that moves neutral answers as far as the persona does not protect', async () => {
  const [control] = cellOf('none_matched/160').cell.layers
  const record = await readControlRecord(control?.adapter ?? '')
  expect(record).toMatchObject({ match: 'kl', isMatched: true })
  // The persona's singular values alone gave a seventh of its KL.
  expect(record?.measurements[0]).toMatchObject({ dose: 1 })
  expect(record?.measurements[0]?.kl).toBeLessThan((record?.target.kl ?? 0) / 3)
  // Measured with 12 answers a question: 67 % against 58 %, and 16 % under the persona.
  expect(emOf('none_matched/160')).toBeGreaterThan(emOf('none/160') - 0.15)
  expect(cellsOf('control-unmatched')).toEqual([])
})
