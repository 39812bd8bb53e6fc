import { expect, test } from 'vitest'
import { ownTexts, sideOf } from '../../test/contrast-rows.ts'
import { makeDirection } from '../directions/direction.ts'
import { type BaselineRun, projectOtherRuns } from './other-runs.ts'

const run = (name: string, displacement: readonly number[]): BaselineRun => ({
  name,
  direction: makeDirection({
    without: sideOf([['q', [0, 0]]]),
    with: sideOf([['q', displacement]]),
    layer: 14,
    contrast: { ...ownTexts, seed: name },
  }),
  mean: Float64Array.of(1 + (displacement[0] ?? 0), 1 + (displacement[1] ?? 0)),
  baseMean: Float64Array.of(1, 1),
})

test('a run has 1 on its own direction by construction, and its cosine share on the others', () => {
  // Displacements (2, 0) and (3, 4): on each other's direction 2 * 0.6 = 1.2 of 5, and 3 of 2.
  const { projections, runs } = projectOtherRuns([run('seed 0', [2, 0]), run('seed 1', [3, 4])])
  const of = (name: string, on: string) =>
    projections.find((p) => p.run === name && p.onDirectionOf === on)
  expect(of('seed 0', 'seed 0')).toMatchObject({
    isOwn: true,
    relativeProjection: expect.closeTo(1, 6),
    cosine: expect.closeTo(1, 6),
  })
  expect(of('seed 0', 'seed 1')).toMatchObject({
    isOwn: false,
    projectionFromBase: expect.closeTo(1.2, 6),
    relativeProjection: expect.closeTo(0.24, 6),
    cosine: expect.closeTo(0.6, 6),
  })
  expect(runs[1]).toEqual({
    run: 'seed 1',
    own: expect.closeTo(1, 6),
    meanOnOthers: expect.closeTo(1.5, 6),
    lowestOnOthers: expect.closeTo(1.5, 6),
    highestOnOthers: expect.closeTo(1.5, 6),
  })
})

test('one run has no others; no runs, repeated names and other layers are errors', () => {
  const one = run('seed 0', [2, 0])
  expect(projectOtherRuns([one]).runs[0]?.meanOnOthers).toEqual({
    absent: 'there is one run: no other direction to project on',
  })
  expect(() => projectOtherRuns([])).toThrow('no runs')
  expect(() => projectOtherRuns([one, one])).toThrow('Two runs are named "seed 0"')
  const deeper = { ...run('seed 1', [1, 1]), direction: { ...one.direction, layer: 15 } }
  expect(() => projectOtherRuns([one, deeper])).toThrow('of layer 15')
})
