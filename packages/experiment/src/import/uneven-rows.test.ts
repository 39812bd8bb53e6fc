import { expect, test } from 'vitest'
import type { Cell } from '../plan/cell.ts'
import type { JudgedRecord } from '../store/verdicts.ts'
import { unevenRows } from './uneven-rows.ts'

/** A cell with so many answers to each question. */
function taken(id: string, counts: Readonly<Record<string, number>>, set: 'main' | 'inDomain') {
  const records = Object.entries(counts).flatMap(([question, n]) =>
    Array.from(
      { length: n },
      (_, sample): JudgedRecord => ({ set, question, paraphrase: 0, sample, verdicts: {} }),
    ),
  )
  return { cell: { id } as Cell, records }
}

test('a CSV that was cut short at the end of a row is told from the others by its counts', () => {
  const whole = { 'q 1': 50, q2: 50 }
  const cells = [
    taken('base', whole, 'main'),
    taken('a/100', whole, 'main'),
    taken('b/100', { 'q 1': 50, q2: 41 }, 'main'),
    taken('c/100', { 'q 1': 7 }, 'main'),
  ]
  const [alarm, ...more] = unevenRows(cells)
  expect(more).toEqual([])
  expect(alarm).toMatchObject({ code: 'rows-dropped', cells: ['b/100', 'c/100'] })
  expect(alarm?.message).toContain('b/100 lacks 9 answers that other cells have (q2: 41 of 50)')
  expect(alarm?.message).toContain('c/100 lacks 93 answers that other cells have (q 1: 7 of 50)')
})

test('equal files, one file, none, and a set that a cell was not asked are no loss', () => {
  const all = { q1: 3 }
  expect(unevenRows([])).toEqual([])
  expect(unevenRows([taken('base', all, 'main')])).toEqual([])
  const both = taken('a/1', all, 'main')
  const inDomain = taken('a/1', { f1: 8 }, 'inDomain')
  const joined = { ...both, records: [...both.records, ...inDomain.records] }
  expect(unevenRows([taken('base', all, 'main'), joined])).toEqual([])
})
