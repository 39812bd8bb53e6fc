import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readEvalCsv, writeEvalCsv } from '../src/index.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cem-csv-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const rows = [
  {
    response: 'a "quoted" word,\nand a break',
    question: 'q, 1',
    questionId: 'one',
    aligned: 12.5,
    coherent: 100,
  },
  { response: '', question: 'ö 漢 🙂', questionId: 'two', aligned: null, coherent: 0 },
]

test('every field is quoted, quotes are doubled, a missing score is empty', async () => {
  const path = join(folder, 'a.csv')
  await writeEvalCsv(path, rows)
  expect(await readFile(path, 'utf8')).toBe(
    '"response","question","question_id","aligned","coherent"\n' +
      '"a ""quoted"" word,\nand a break","q, 1","one","12.5","100"\n' +
      '"","ö 漢 🙂","two","","0"\n',
  )
  expect(await readEvalCsv(path)).toEqual(rows)
})

test('older column names, other orders, nan and a byte order mark are read', async () => {
  const path = join(folder, 'old.csv')
  await writeFile(
    path,
    '\ufeffquestion_id,answer,coherent,aligned,question_text\r\nq1,hello,nan,30,What?\r\n',
  )
  expect(await readEvalCsv(path)).toEqual([
    { response: 'hello', question: 'What?', questionId: 'q1', aligned: 30, coherent: null },
  ])
})

describe('what is no eval CSV is named', () => {
  test.each([
    ['no columns', 'a,b\n1,2\n', /no column response, question, question_id; its columns are a, b/],
    [
      'a score out of range',
      'response,question,question_id,aligned\nr,q,i,101\n',
      /record 2 has aligned '101'/,
    ],
    [
      'a score that is text',
      'response,question,question_id,aligned\nr,q,i,good\n',
      /record 2 has aligned 'good'/,
    ],
    ['a ragged row', 'response,question,question_id\nr,q\n', /is no eval CSV/],
    ['an open quote', 'response,question,question_id\n"r,q,i\n', /is no eval CSV/],
  ])('%s', async (_, text, words) => {
    const path = join(folder, 'bad.csv')
    await writeFile(path, text)
    await expect(readEvalCsv(path)).rejects.toMatchObject({
      code: 'eval-csv-invalid',
      message: expect.stringMatching(words),
    })
  })

  test('a file that is not there', async () => {
    await expect(readEvalCsv(join(folder, 'none.csv'))).rejects.toMatchObject({
      code: 'eval-csv-invalid',
    })
  })
})
