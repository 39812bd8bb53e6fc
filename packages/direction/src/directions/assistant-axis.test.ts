import { expect, test } from 'vitest'
import { assistantAxis } from './assistant-axis.ts'
import { type RoleRows, roleVectors } from './role-vectors.ts'

const nan = Number.NaN
const role = (name: string, rows: number[], scores: (number | null)[]): RoleRows => ({
  role: name,
  rows: Float32Array.from(rows),
  dModel: 2,
  scores,
})
const pirate = role('pirate', [4, 0, 6, 0, 99, 99, 99, 99, nan, nan], [3, 3, 2, null, 3])
const poet = role('poet', [1, 4], [3])
const ghost = role('ghost', [50, 50, 60, 60], [0, 1])
const roles = [pirate, poet, ghost]

test('a role is the mean of the answers that the judge found to be in it; the others are counted', () => {
  const { roles: kept, leftOut } = roleVectors({ roles })
  expect(kept).toEqual([
    { role: 'pirate', vector: Float64Array.of(5, 0), n: 2, nBelow: 1, nUnscored: 1, nSkipped: 1 },
    { role: 'poet', vector: Float64Array.of(1, 4), n: 1, nBelow: 0, nUnscored: 0, nSkipped: 0 },
  ])
  expect(leftOut).toEqual([
    {
      role: 'ghost',
      n: 0,
      nBelow: 2,
      nUnscored: 0,
      nSkipped: 0,
      reason: '0 rows with a score of at least 3, 1 are needed',
    },
  ])
  expect(roleVectors({ roles, minimumScore: 2 }).roles[0]?.n).toBe(3)
  expect(roleVectors({ roles, minimumRows: 2 }).roles.map((vector) => vector.role)).toEqual([
    'pirate',
  ])
})

test('the axis runs from the mean of the roles to the default, each role counting once', async () => {
  // Roles (5, 0) and (1, 4): mean (3, 2). Default (0, 6): displacement (-3, 4), norm 5.
  const result = await assistantAxis({
    roles,
    default: { rows: Float32Array.of(0, 5, nan, nan, 0, 7), dModel: 2 },
    layer: 30,
    model: 'Qwen/Qwen2.5-7B-Instruct',
  })
  expect(Array.from(result.axis.vector)).toEqual([Math.fround(-0.6), Math.fround(0.8)])
  expect(result.axis).toMatchObject({
    name: 'assistant-axis/Qwen2.5-7B-Instruct/role-score-at-least-3/layer-30',
    positive: 'more like the assistant',
    displacementNorm: 5,
    nWith: 2,
    nWithout: 3,
  })
  // (5, 0) - (0, 6) = (5, -6): -3 - 4.8 = -7.8; (1, 4) - (0, 6) = (1, -2): -0.6 - 1.6 = -2.2.
  expect(result.places).toEqual([
    { role: 'poet', projectionFromDefault: expect.closeTo(-2.2, 6) },
    { role: 'pirate', projectionFromDefault: expect.closeTo(-7.8, 6) },
  ])
  // Two roles differ along (4, -4): one component, (1, -1) / sqrt 2 up to sign; its cosine with (-3, 4) / 5 is 7 / (5 sqrt 2).
  expect(result.components.rank).toBe(1)
  expect(Math.abs(result.cosineWithComponents[0] as number)).toBeCloseTo(7 / (5 * Math.SQRT2), 6)
  expect(result.leftOut).toHaveLength(1)
  expect(result.nDefaultSkipped).toBe(1)
})

test('no role at the score, one role, equal means and bad roles are errors', async () => {
  const rest = { default: { rows: Float32Array.of(3, 2), dModel: 2 }, layer: 1, model: 'm' }
  const axis = (given: readonly RoleRows[]) => assistantAxis({ ...rest, roles: given })
  await expect(axis([ghost])).rejects.toThrow('None of 1 roles has 1 rows with a score')
  await expect(axis([])).rejects.toMatchObject({ code: 'no-rows' })
  await expect(axis([poet])).rejects.toMatchObject({ code: 'bad-option' })
  await expect(axis([pirate, poet])).rejects.toMatchObject({ code: 'zero-direction' })
  await expect(axis([poet, poet])).rejects.toMatchObject({ code: 'duplicate-name' })
  await expect(axis([{ ...poet, scores: [] }])).rejects.toThrow('has 1 rows and 0 scores')
  await expect(axis([{ ...poet, scores: [nan] }])).rejects.toMatchObject({ code: 'bad-row' })
  await expect(axis([pirate, { ...poet, dModel: 1, scores: [3, 3] }])).rejects.toMatchObject({
    code: 'shape-mismatch',
  })
})
