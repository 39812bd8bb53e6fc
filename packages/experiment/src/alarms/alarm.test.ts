import { expect, test } from 'vitest'
import type { RunWarning } from '../events.ts'
import { alarmCodes, isAlarm, sortedAlarms, voidedCells } from './alarm.ts'

const warning = (code: RunWarning['code'], cells: string[] = [], message = 'm'): RunWarning => ({
  code,
  message,
  cells,
})

test('notes are no alarms', () => {
  expect(isAlarm('one-seed')).toBe(false)
  expect(isAlarm('toString')).toBe(false)
  expect(alarmCodes.every(isAlarm)).toBe(true)
})

test('alarms are listed once, in the order from what is run to what it shows, with the last wording', () => {
  const alarms = sortedAlarms([
    warning('collapsed', ['a']),
    warning('one-seed'),
    warning('same-adapter', ['a', 'b'], 'old'),
    warning('same-adapter', ['a', 'b'], 'new'),
    warning('same-adapter', ['c']),
  ])
  expect(alarms.map(({ code, message }) => [code, message])).toEqual([
    ['same-adapter', 'new'],
    ['same-adapter', 'm'],
    ['collapsed', 'm'],
  ])
})

test('a cell keeps every reason against it, and notes and persona alarms of other cells give none', () => {
  const voided = voidedCells([
    warning('same-adapter', ['a', 'b']),
    warning('learned-less', ['a']),
    warning('one-seed', ['c']),
    warning('step-zero-is-base', ['d']),
  ])
  expect(voided.get('a')?.map(({ code }) => code)).toEqual(['same-adapter', 'learned-less'])
  expect([...voided.keys()]).toEqual(['a', 'b'])
})
