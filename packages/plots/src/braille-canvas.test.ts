import { expect, test } from 'vitest'
import { brailleCanvas, brailleCharacter, countDots, drawLine, setDot } from './braille-canvas.ts'

test('each of the eight dots of a cell gives the character that Unicode names after it', () => {
  // U+2800 plus: dot 1 = 1, 2 = 2, 3 = 4, 4 = 8, 5 = 16, 6 = 32, 7 = 64, 8 = 128.
  const byPlace = [
    ['⠁', '⠈'],
    ['⠂', '⠐'],
    ['⠄', '⠠'],
    ['⡀', '⢀'],
  ]
  for (const [y, row] of byPlace.entries())
    for (const [x, character] of row.entries()) {
      const canvas = brailleCanvas(1, 1)
      setDot(canvas, x, y)
      expect(brailleCharacter(canvas.cells[0] ?? 0)).toBe(character)
    }
  expect(brailleCharacter(0)).toBe(' ')
  expect(brailleCharacter(255)).toBe('⣿')
  expect(countDots(0b10110001)).toBe(4)
})

test('a line holds both of its ends and a dot in each step of its longer side', () => {
  const canvas = brailleCanvas(2, 1)
  drawLine(canvas, { x: 0, y: 3 }, { x: 3, y: 0 })
  // The rising diagonal: dots 7 and 6 of the first cell, 2 and 4 of the second.
  expect(Array.from(canvas.cells, brailleCharacter)).toEqual(['⡠', '⠊'])
  const level = brailleCanvas(3, 1)
  drawLine(level, { x: 5, y: 0 }, { x: 0, y: 0 })
  expect(Array.from(level.cells, brailleCharacter).join('')).toBe('⠉⠉⠉')
})

test('dots beyond the canvas are left out', () => {
  const canvas = brailleCanvas(1, 1)
  drawLine(canvas, { x: -5, y: 9 }, { x: 7, y: 9 })
  setDot(canvas, 2, 0)
  setDot(canvas, 0, -1)
  expect([...canvas.cells]).toEqual([0])
})
