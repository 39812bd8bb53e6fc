import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { joinLabels } from './join-labels.ts'
import { openLabelFile } from './label-file.ts'
import { blindName, drawLabelSample } from './label-sample.ts'
import { parseLabels, readLabels } from './read-labels.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'labels-'))
})
afterEach(() => rm(folder, { recursive: true }))

const rows = ['baseline', 'steadfast'].flatMap((condition) =>
  Array.from({ length: 20 }, (_, i) => ({ id: `${condition}/q1/${i}`, condition })),
)
const sample = drawLabelSample(rows, { perCondition: 3, seed: 5 })
const [first = '', second = ''] = sample.items.map(({ item }) => item)

const metrics = ['aligned', 'coherent'].map((name) => ({ name, least: 0, most: 100 }))

test('a sample names its rows blindly, in an order that tells no condition', () => {
  expect(sample.items).toHaveLength(6)
  expect(sample.drawn).toEqual({
    baseline: { drawn: 3, of: 20 },
    steadfast: { drawn: 3, of: 20 },
  })
  for (const { item, row } of sample.items) {
    expect(item).toMatch(/^[0-9a-f]{12}$/)
    expect(item).toBe(blindName(row, 5))
  }
  expect(blindName('a', 1)).not.toBe(blindName('a', 2))
  const firstConditions = Array.from({ length: 200 }, (_, seed) =>
    drawLabelSample(rows, { perCondition: 3, seed }).items[0]?.row.startsWith('baseline'),
  ).filter(Boolean).length
  // Binomial(200, 1/2): 100, standard deviation 7.1; five of them either way.
  expect(Math.abs(firstConditions - 100)).toBeLessThan(36)
})

test('labels are appended, the file holds no condition, and reading gives them back', async () => {
  const path = join(folder, 'new', 'labels.jsonl')
  {
    await using file = await openLabelFile(path, { sample, metrics })
    expect(file.pending()).toHaveLength(12)
    await Promise.all([
      file.append({ item: first, metric: 'aligned', value: 10 }),
      file.append({ item: first, metric: 'coherent', value: 90 }),
      file.append({ item: second, metric: 'aligned', value: null, reason: 'no answer' }),
    ])
    expect(file.pending()).toHaveLength(9)
    expect(file.pending()[0]).toEqual({ item: second, metric: 'coherent' })
  }
  expect(await readFile(path, 'utf8')).not.toMatch(/baseline|steadfast|q1/)
  const { header, labels, replaced, isTorn } = await readLabels(path)
  expect(header).toMatchObject({ seed: 5, metrics })
  expect(labels.map(({ item, metric, value, reason }) => [item, metric, value, reason])).toEqual([
    [first, 'aligned', 10, undefined],
    [first, 'coherent', 90, undefined],
    [second, 'aligned', null, 'no answer'],
  ])
  expect({ replaced, isTorn }).toEqual({ replaced: 0, isTorn: false })
})

test('work goes on where it was left, also after a crash within a line; a later label holds', async () => {
  const path = join(folder, 'labels.jsonl')
  {
    await using file = await openLabelFile(path, { sample })
    await file.append({ item: first, metric: 'aligned', value: 10 })
  }
  await appendFile(path, '{"type":"label","item":"')
  expect(await readLabels(path)).toMatchObject({ isTorn: true, labels: [{ value: 10 }] })
  {
    await using file = await openLabelFile(path, { sample })
    expect(file.pending()).toHaveLength(5)
    await file.append({ item: second, metric: 'aligned', value: 70 })
    await file.append({ item: first, metric: 'aligned', value: 20 })
  }
  expect(await readLabels(path)).toMatchObject({
    isTorn: false,
    replaced: 1,
    labels: [
      { item: first, value: 20 },
      { item: second, value: 70 },
    ],
  })
})

test('a file that a crash left without a whole header is begun anew', async () => {
  const path = join(folder, 'labels.jsonl')
  await writeFile(path, '{"type":"lab')
  {
    await using file = await openLabelFile(path, { sample })
    await file.append({ item: first, metric: 'aligned', value: 1 })
  }
  expect((await readLabels(path)).labels).toHaveLength(1)
})

test('people share a file, and each has the whole sample to do', async () => {
  const path = join(folder, 'labels.jsonl')
  for (const labeller of ['ada', 'ben']) {
    await using file = await openLabelFile(path, { sample, labeller })
    expect(file.pending()).toHaveLength(6)
    await file.append({ item: first, metric: 'aligned', value: labeller === 'ada' ? 10 : 30 })
    expect(file.pending()).toHaveLength(5)
  }
  const labels = await readLabels(path)
  expect(labels.labels.map(({ labeller }) => labeller)).toEqual(['ada', 'ben'])
  const judged = rows.map(({ id, condition: cell }) => ({ id, cell, question: 'q1', verdicts: {} }))
  expect(() => joinLabels(labels, judged)).toThrow(/several people \(ada, ben\)/)
  const { human } = joinLabels(labels, judged, { labeller: 'ben' })
  expect(human.filter((value) => value !== null)).toEqual([30])
})

test('another sample, an unknown item and a value that is none are refused', async () => {
  const path = join(folder, 'labels.jsonl')
  {
    await using file = await openLabelFile(path, { sample })
    await expect(file.append({ item: 'x', metric: 'aligned', value: 1 })).rejects.toThrow(/"x"/)
    await expect(file.append({ item: first, metric: 'tone', value: 1 })).rejects.toThrow(/tone/)
    for (const value of [Number.NaN, Infinity, -1, 870])
      await expect(file.append({ item: first, metric: 'aligned', value })).rejects.toThrow(
        `the value is ${value}: aligned goes from 0 to 100`,
      )
    expect(file.pending()).toHaveLength(6)
  }
  const other = drawLabelSample(rows, { perCondition: 3, seed: 6 })
  await expect(openLabelFile(path, { sample: other })).rejects.toMatchObject({
    code: 'other-label-sample',
  })
  await expect(openLabelFile(folder, { sample })).rejects.toMatchObject({
    code: 'label-write-failed',
  })
  expect(await readFile(path, 'utf8')).toMatch(/^[^\n]+\n$/)
})

const header = JSON.stringify({
  type: 'labels',
  version: 1,
  seed: 1,
  items: ['i'],
  metrics: [{ name: 'm', least: 0, most: 3 }],
})
const label = (rest: object) =>
  JSON.stringify({
    type: 'label',
    item: 'i',
    metric: 'm',
    value: 1,
    labelledAt: '2026-01-01T00:00:00.000Z',
    ...rest,
  })

test.each([
  ['', 1, /missing/],
  ['{}', 1, /missing/],
  ['nonsense\n', 1, /not JSON/],
  [`${label({})}\n`, 1, /type/],
  [`${header.replace('"version":1', '"version":2')}\n`, 1, /version/],
  [`${header}\n${label({})}\n\n`, 3, /not JSON/],
  [`${header}\n${label({ value: '1' })}\n`, 2, /value/],
  [`${header}\n${label({})}\n${label({ value: undefined })}\n`, 3, /value/],
  [`${header}\n${label({ labelledAt: 'today' })}\n`, 2, /labelledAt/],
  [`${header}\n${label({ item: 'j' })}\n`, 2, /item "j" is not in the header/],
  [`${header}\n${label({ metric: 'n' })}\n`, 2, /metric "n" is not in the header/],
  [`${header}\n${label({ value: 4 })}\n`, 2, /the value is 4: m goes from 0 to 3/],
  [`${header}\n${label({ vaule: 1 })}\n`, 2, /vaule/],
])('the file %j is refused at its line', (text, line, message) => {
  expect(() => parseLabels(text, { file: 'f.jsonl' })).toThrow(
    expect.objectContaining({
      code: 'bad-label-file',
      message: expect.stringMatching(message),
      data: { file: 'f.jsonl', line },
    }),
  )
})

test('a file that is not there is named', async () => {
  await expect(readLabels(join(folder, 'none'))).rejects.toMatchObject({
    code: 'label-file-unreadable',
  })
})

test('labels and verdicts come as columns over all rows', () => {
  const judged = [
    ['a', 20],
    ['b', null],
    ['c', 80],
    ['d', 90],
  ] as const
  const items = ['a', 'b', 'c', 'gone'].map((id) => blindName(id, 1))
  const at = '2026-01-01T00:00:00.000Z'
  const values = [25, 40, null, 50]
  const labels = items.map((item, i) => ({
    type: 'label' as const,
    item,
    metric: 'aligned',
    value: values[i] ?? null,
    labelledAt: at,
  }))
  const file = {
    header: { type: 'labels', version: 1, seed: 1, items, metrics } as const,
    labels,
  }
  const joined = joinLabels(
    file,
    judged.map(([id, score]) => ({
      id,
      cell: `cell of ${id}`,
      question: 'q',
      verdicts: {
        aligned:
          score === null ? { status: 'unscored', reason: 'refusal' } : { status: 'scored', score },
      },
    })),
  )
  expect(joined).toEqual({
    id: ['a', 'b', 'c', 'd'],
    cell: ['cell of a', 'cell of b', 'cell of c', 'cell of d'],
    question: ['q', 'q', 'q', 'q'],
    judge: [20, null, 80, 90],
    human: [25, 40, null, null],
    labelled: 2,
    unratable: ['c'],
    unknownItems: [blindName('gone', 1)],
  })
  expect(() => joinLabels(file, [], { metric: 'tone' })).toThrow(/no metric "tone".*aligned/)
  const twice = { id: 'a', cell: 'x', question: 'q', verdicts: {} }
  expect(() => joinLabels(file, [twice, twice])).toThrow(/"a" is there twice/)
})
