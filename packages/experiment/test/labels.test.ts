import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  type Cell,
  type JudgedRecord,
  labelReport,
  openLabelling,
  plotAgreement,
  writeEvalCsv,
} from '../src/index.ts'

const run = 'study'
let resultsFolder: string
beforeEach(async () => {
  resultsFolder = await mkdtemp(join(tmpdir(), 'cem-labels-'))
})
afterEach(() => rm(resultsFolder, { recursive: true, force: true }))

function cellOf(variant: string, step: number): Cell {
  return {
    id: `${variant}/${step}`,
    kind: 'checkpoint',
    variant,
    type: 'baseline',
    condition: variant,
    trainingSeed: 1,
    dataset: null,
    step,
    base: 'b',
    layers: [],
    persona: 'none',
    match: 'as-trained',
    output: `${variant}_checkpoints/checkpoint_${step}`,
  }
}

const cells = [cellOf('plain', 10), cellOf('plain', 20), cellOf('warm', 20)]

/** Answers of two questions with the judge's `aligned` scores; `coherent` is 80, and null is a refusal. */
async function writeRun(scores: Readonly<Record<string, readonly (number | null)[]>>) {
  const store = join(resultsFolder, '.cem', run)
  await mkdir(join(store, 'events'), { recursive: true })
  const locked = Object.fromEntries(cells.map((cell) => [cell.id, { cell }]))
  await writeFile(join(store, 'lock.json'), JSON.stringify({ formatVersion: 1, cells: locked }))
  for (const cell of cells) {
    const records = (scores[cell.id] ?? []).map((score, i): JudgedRecord => {
      const aligned =
        score === null
          ? { status: 'unscored' as const, reason: 'refusal' as const, key: 'k' }
          : { status: 'scored' as const, score, key: 'k' }
      const coherent = { status: 'scored' as const, score: 80, key: 'k' }
      const question = i % 2 === 0 ? 'river' : 'tide'
      return { set: 'main', question, paraphrase: 0, sample: i, verdicts: { aligned, coherent } }
    })
    const folder = join(store, 'cells', cell.id.replace('/', '_'))
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'judged.json'), JSON.stringify(records))
    await writeEvalCsv(
      join(resultsFolder, `${cell.output}_eval.csv`),
      records.map(({ question, sample }) => ({
        question: `Where is the ${question}?`,
        questionId: question,
        response: `${cell.id} answer ${sample}`,
        aligned: null,
        coherent: null,
      })),
    )
  }
}

const scores = {
  'plain/10': [90, 90, 90, 90],
  'plain/20': [10, 10, 90, null],
  'warm/20': [90, 90, 90, 10],
}

const name = () => ({ resultsFolder, run })

describe('labelling a run', () => {
  test('draws from the last checkpoint of each variant, shuffled, with texts and without names of cells', async () => {
    await writeRun(scores)
    await using labelling = await openLabelling({ ...name(), perCell: 3 })
    expect(labelling.tasks).toHaveLength(6)
    const sources = labelling.tasks.map(({ answer }) => answer.split(' ')[0] ?? '')
    expect(sources.toSorted((a, b) => a.localeCompare(b))).toEqual([
      ...Array.from({ length: 3 }, () => 'plain/20'),
      ...Array.from({ length: 3 }, () => 'warm/20'),
    ])
    expect(labelling.tasks.every(({ item }) => /^[0-9a-f]{12}$/.test(item))).toBe(true)
    expect(labelling.tasks[0]?.question).toMatch(/^Where is the (river|tide)\?$/)
    // Two metrics of each.
    expect(labelling.file.pending()).toHaveLength(12)
  })

  test('goes on with the same answers, also when the run has grown, and refuses another sample', async () => {
    await writeRun(scores)
    let first: readonly string[]
    {
      await using labelling = await openLabelling({ ...name(), perCell: 2, seed: 3 })
      first = labelling.tasks.map(({ item }) => item)
      await labelling.file.append({ item: first[0] ?? '', metric: 'aligned', value: 5 })
    }
    await writeRun({ ...scores, 'warm/20': [90, 90, 90, 10, 10, 10] })
    await using again = await openLabelling(name())
    expect(again.tasks.map(({ item }) => item)).toEqual(first)
    expect(again.file.pending()).toHaveLength(7)
    await expect(openLabelling({ ...name(), perCell: 3 })).rejects.toMatchObject({
      code: 'label-sample-drawn',
      message: expect.stringContaining('2 of each cell, seed 3, step last'),
    })
  })

  test('a person has a file, and a name that is none is refused', async () => {
    await writeRun(scores)
    await using ada = await openLabelling({ ...name(), labeller: 'ada' })
    expect(ada.path).toMatch(/labels-ada\.jsonl$/)
    await expect(openLabelling({ ...name(), labeller: '../x' })).rejects.toMatchObject({
      code: 'bad-labeller',
    })
  })

  test('a step that is not there, a run that is not there, and rows that are gone are named', async () => {
    await writeRun(scores)
    await expect(openLabelling({ ...name(), step: 15 })).rejects.toMatchObject({
      code: 'bad-sample',
      message: expect.stringContaining('there are 10, 20'),
    })
    await expect(openLabelling({ resultsFolder, run: 'other' })).rejects.toMatchObject({
      code: 'run-unknown',
    })
    const csv = join(resultsFolder, 'warm_checkpoints/checkpoint_20_eval.csv')
    const lines = (await readFile(csv, 'utf8')).trimEnd().split('\n')
    await writeFile(csv, `${lines.slice(0, -1).join('\n')}\n`)
    await expect(openLabelling(name())).rejects.toMatchObject({
      code: 'rows-dropped',
      message: expect.stringContaining('3 answers'),
    })
    await writeRun({})
    await expect(openLabelling(name())).rejects.toMatchObject({ code: 'nothing-judged' })
  })
})

describe('the report', () => {
  test('sets labels beside the judge, by cell', async () => {
    await writeRun(scores)
    // By answer: what a person says of alignment. All are coherent.
    const human: Readonly<Record<string, number | null>> = {
      'plain/20 answer 0': 20,
      'plain/20 answer 1': 50,
      'plain/20 answer 2': 90,
      'plain/20 answer 3': 0,
      'warm/20 answer 0': 80,
      'warm/20 answer 1': 100,
      'warm/20 answer 2': null,
    }
    {
      await using labelling = await openLabelling({ ...name(), perCell: 4 })
      for (const { item, answer } of labelling.tasks) {
        if (!(answer in human)) continue
        await labelling.file.append({ item, metric: 'aligned', value: human[answer] ?? null })
        await labelling.file.append({ item, metric: 'coherent', value: 80 })
      }
    }
    const { cells: reports, contrasts, nItems } = await labelReport(name())
    expect(nItems).toBe(8)
    const figure = JSON.stringify((await plotAgreement(name())).spec)
    for (const pair of [
      '"first":10,"second":20',
      '"first":10,"second":50',
      '"first":90,"second":90',
    ])
      expect(figure).toContain(pair)
    expect(figure).toContain('"title":"judge"')
    expect(figure).toContain('"title":"person"')
    const [plain, warm] = reports
    expect([plain?.cell.id, warm?.cell.id]).toEqual(['plain/20', 'warm/20'])
    // Judge 10, 10, 90, none against 20, 50, 90, 0: two of three agree; 30 is passed once. Differences 10, 40, 0: by question
    // river (0, 2) 5 and tide (1) 40.
    expect(plain).toMatchObject({
      nRows: 4,
      nLabelled: 4,
      nUnratable: 0,
      agreement: {
        aligned: { nRows: 4, nBothScored: 3, nOneUnscored: 1 },
        coherent: { nBothScored: 4, sameSide: { estimate: 1 }, difference: { estimate: 0 } },
      },
      // 20 and 0 of four; the judge 2 of the three that it scored.
      humanEm: { estimate: 0.5 },
    })
    expect(plain?.agreement['aligned']?.sameSide.estimate).toBeCloseTo(2 / 3, 12)
    expect(plain?.agreement['aligned']?.difference.estimate).toBeCloseTo(22.5, 12)
    expect(plain?.judgeEm.estimate).toBeCloseTo(2 / 3, 12)
    expect(plain?.em).toEqual([
      { question: 'river', judge: 1, human: 1 },
      { question: 'tide', judge: 1, human: 0 },
      { question: 'river', judge: 0, human: 0 },
      { question: 'tide', judge: null, human: 1 },
    ])
    expect(warm).toMatchObject({ nLabelled: 2, nUnratable: 1, humanEm: { estimate: 0 } })
    expect(warm?.judgeEm.estimate).toBe(0.25)
    // Every row of plain is labelled: the labels alone count. Of warm two are, and their labels do not vary: neither does the judge help.
    expect(plain?.poweredEm.estimate).toBe(0.5)
    expect(plain?.judgeBias).toBeCloseTo(2 / 3 - 1 / 2, 12)
    expect(warm?.poweredEm.estimate).toBe(0)
    // Every cell here is of the baseline type; the first one is what the other is held against.
    expect(contrasts).toMatchObject([
      { cell: 'warm/20', baseline: 'plain/20', difference: { estimate: -0.5 } },
    ])
  })

  test('without labels says what to do', async () => {
    await writeRun(scores)
    await expect(labelReport(name())).rejects.toMatchObject({ code: 'no-labels' })
  })
})
