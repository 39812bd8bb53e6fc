import { expect, test } from 'vitest'
import { placeLabels } from './place-labels.ts'

const size = { width: 60, height: 14 }
const panel = { width: 300, height: 200 }

test('a label alone stands right of its point', () => {
  expect(placeLabels([{ x: 100, y: 100, ...size }], panel)).toEqual([
    { x: 108, y: 100, hasLeader: false },
  ])
})

test('at the right edge it stands on another side', () => {
  const [place] = placeLabels([{ x: 290, y: 100, ...size }], panel)
  expect((place?.x ?? 300) + size.width).toBeLessThanOrEqual(panel.width)
})

test('labels of points close together cover neither each other nor any mark', () => {
  const points = Array.from({ length: 12 }, (_, i) => ({
    x: 150 + 9 * (i % 3),
    y: 100 + 7 * Math.floor(i / 3),
    ...size,
  }))
  const places = placeLabels(points, panel)
  const boxes = places.flatMap((place) =>
    place === null
      ? []
      : [{ left: place.x, right: place.x + 60, top: place.y - 7, bottom: place.y + 7 }],
  )
  expect(boxes).toHaveLength(12)
  for (const [i, a] of boxes.entries()) {
    for (const b of boxes.slice(i + 1))
      expect(a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom).toBe(
        false,
      )
    for (const { x, y } of points)
      expect(x > a.left && x < a.right && y > a.top && y < a.bottom).toBe(false)
  }
})

test('where there is no room at all a label is left out', () => {
  expect(placeLabels([{ x: 10, y: 10, ...size }], { width: 50, height: 30 })).toEqual([null])
})
