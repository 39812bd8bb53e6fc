import { expect, test } from 'vitest'
import { parseNpyDict } from './npy-dict.ts'

const fail = (code: string, problem: string) => Object.assign(new Error(problem), { code }) as never
const parse = (text: string) => parseNpyDict(text, fail)

test('keys come in any order and quotes, with or without a last comma', () => {
  expect(parse(`{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }   \n`)).toEqual({
    descr: '<f4',
    fortranOrder: false,
    shape: [3, 4],
  })
  expect(parse(`{"shape":(),"fortran_order":True,"descr":"|b1"}`)).toEqual({
    descr: '|b1',
    fortranOrder: true,
    shape: [],
  })
  expect(parse(`{ 'shape' : ( 5 , ) , 'fortran_order': False, 'descr': '>i8' } `).shape).toEqual([
    5,
  ])
  expect(parse(`{'shape': (5, 6,), 'fortran_order': False, 'descr': '>i8'}`).shape).toEqual([5, 6])
})

const rest = `'fortran_order': False, 'descr': '<f4'`
test.each([
  ['', "'{' is"],
  ['{}', "lacks 'descr'"],
  [`{${rest}}`, "lacks 'shape'"],
  [`{${rest}, 'shape': (3)}`, 'is not a tuple'],
  [`{${rest}, 'shape': 3}`, "a value for 'shape'"],
  [`{${rest}, 'shape': [3]}`, "a value for 'shape'"],
  [`{${rest}, 'shape': (3,,)}`, "a value for 'shape'"],
  [`{${rest}, 'shape': (,)}`, "a value for 'shape'"],
  [`{${rest}, 'shape': (n,)}`, "a value for 'shape'"],
  [`{${rest}, 'shape': (3,), 'shape': (4,)}`, "'shape' twice"],
  [`{${rest}, 'shape': (3,), 'extra': 1}`, 'unknown key "extra"'],
  [`{${rest}, 'shape': (3,), 'toString': 1}`, 'unknown key "toString"'],
  [`{${rest}, 'shape': (3,)} junk`, 'is expected'],
  [`{${rest}, 'shape': (3,)`, ', or } is expected'],
  [`{${rest} 'shape': (3,)}`, ', or } is expected'],
  [`{'fortran_order': 0, 'shape': ()}`, "a value for 'fortran_order'"],
  [`{'descr': __import__('os').system('true'), 'shape': ()}`, "a value for 'descr'"],
  [`{'descr': 'a\\x00', 'shape': ()}`, "a value for 'descr'"],
])('%s is refused', (text, problem) => {
  expect(() => parse(text)).toThrow(problem.replace("'{'", '{'))
})

test('a structured type is told apart from a broken header', () => {
  expect(() => parse(`{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}`)).toThrow(
    expect.objectContaining({ code: 'npy-unsupported' }),
  )
})

test('a hostile header is refused in linear time', () => {
  const hostile = [
    '('.repeat(60_000),
    `(${'1,'.repeat(30_000)}`,
    `(${'1'.repeat(60_000)}`,
    ' '.repeat(60_000),
  ]
  for (const shape of hostile)
    expect(() => parse(`{${rest}, 'shape': ${shape}`)).toThrow('is expected')
})
