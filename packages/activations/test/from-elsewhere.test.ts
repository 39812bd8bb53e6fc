import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadModel, type Model } from '@cem/inference'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  ActivationScratch,
  csvConversations,
  extractConversations,
  extractMeans,
  inspectLog,
  openActivationSet,
  retokenize,
  writeActivationSet,
} from '../src/index.ts'

const fixture = fileURLToPath(
  new URL('../../inference/fixtures/gqa-6-2-tied/model', import.meta.url),
)
const golden = (name: string) => fileURLToPath(new URL(`../golden/${name}`, import.meta.url))

let folder: string
let model: Model
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cem-elsewhere-'))
  model = await loadModel({ base: fixture, cache: folder })
})
afterAll(async () => {
  await model[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

test('a CSV of the Python pipeline becomes its activation set, a row for each row in order', async () => {
  const shape = { nRows: 4, layers: [1], dModel: model.architecture.dModel }
  const path = join(folder, 'eval_activations.npz')
  const csv = golden('eval.csv')
  await using scratch = await ActivationScratch.open(join(folder, 'rows'), shape)
  let nEmpty = 0
  for await (const event of extractConversations({
    model,
    conversations: csvConversations(csv),
    layers: [1],
    spans: ['turn'],
    roles: ['assistant'],
  })) {
    if (event.type === 'conversation')
      for (const { means } of event.turns)
        await scratch.writeRow(event.index, means.turn as Float32Array)
    if (event.type === 'end') nEmpty = event.nEmptyTurns
  }
  await writeActivationSet(path, scratch, {
    csv_path: csv,
    partial: false,
    empty_responses: nEmpty,
    span: 'turn',
    composition_sha256: null,
  })
  await using set = await openActivationSet(path)
  expect(set.metadata).toMatchObject({ num_responses: 4, empty_responses: 1, span: 'turn' })
  const rows = await set.readLayer(1)
  // The same answers one by one, as prompt and response that are tokenized apart.
  for await (const { messages, id } of csvConversations(csv)) {
    const [question, answer] = messages
    const response = retokenize(model.tokenizer, {
      messages: [{ role: 'user', content: question?.content ?? '' }],
      response: answer?.content ?? '',
    })
    const row = rows.subarray(Number(id) * 96, Number(id) * 96 + 96)
    const options = { model, responses: [response], layers: [1], spans: ['turn'] as const }
    for await (const { means, isEmpty } of extractMeans(options)) {
      expect(row.every(Number.isNaN)).toBe(isEmpty)
      if (isEmpty) continue
      const wanted = means.turn ?? new Float32Array(0)
      const size = Math.max(...Array.from(wanted, Math.abs))
      const worst = Math.max(...Array.from(wanted, (value, i) => Math.abs(value - (row[i] ?? 0))))
      expect(worst / size).toBeLessThan(1e-5)
    }
  }
})

test('an Inspect log tells how many token boundaries moved, where it has log-probabilities', async () => {
  const events = []
  for await (const event of extractConversations({
    model,
    conversations: inspectLog(golden('inspect.eval')),
    layers: [0],
  }))
    events.push(event)
  const ids = model.tokenizer.encode('In the reeds.')
  // The log's tokens end at bytes 2, 6, 9, 12 and 13; a boundary moved where the fixture's tokens have none.
  const ends = ids.map((_, i) => Buffer.byteLength(model.tokenizer.decode(ids.slice(0, i + 1))))
  const nMoved = [2, 6, 9, 12, 13].filter((end) => !ends.includes(end)).length
  const warnings = events.filter((event) => event.type === 'warning')
  expect(warnings.map(({ code, id }) => [code, id])).toEqual([
    ['content-left-out', 'heron:1'],
    ...(nMoved > 0 ? [['retokenized', 'heron:1']] : []),
    ['content-left-out', '7:2'],
    ['retokenized', '7:2'],
  ])
  expect(warnings.at(-1)).toMatchObject({ nMovedBoundaries: 'unknown' })
  expect(events.at(-1)).toMatchObject({
    nTurns: { system: 1, user: 2, assistant: 3, tool: 1 },
    nEmptyTurns: 1,
    nRetokenized: 2,
    nMovedBoundaries: nMoved,
    nUnknownBoundaries: 1,
  })
})
