import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomSource } from '@cem/core'
import { openSafetensors, writeSafetensors } from '@cem/tensor-files'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MomentGroups } from './moment-groups.ts'
import { RunningMoments } from './running-moments.ts'

interface Found {
  mean: number[]
  covariance: number[][]
}

/** What make_moments.py wrote. */
const golden = JSON.parse(
  readFileSync(new URL('../../golden/moments.json', import.meta.url), 'utf8'),
) as { cases: { name: string; rows: number[][]; exact: Found; numpy: Found }[] }

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cem-moments-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

function momentsOf(rows: readonly number[][], covariance: 'full' | 'diagonal' = 'full') {
  const moments = new RunningMoments({ dModel: rows[0]?.length ?? 1, covariance })
  for (const row of rows) moments.add(Float64Array.from(row))
  return moments
}

/** Largest errors: of the mean relative to itself or the spread, of a covariance to the product of the spreads. */
function errorOf(moments: RunningMoments, { mean, covariance }: Found) {
  const d = mean.length
  const found = moments.covariance() ?? []
  let [ofMean, ofCovariance] = [0, 0]
  for (let i = 0; i < d; i++) {
    const m = mean[i] as number
    const error = Math.abs((moments.mean()?.[i] ?? Number.NaN) - m)
    ofMean = Math.max(ofMean, error / Math.max(Math.abs(m), Math.sqrt(covariance[i]?.[i] ?? 0)))
    for (let j = 0; j < d; j++) {
      const scale = Math.sqrt((covariance[i]?.[i] ?? 0) * (covariance[j]?.[j] ?? 0))
      const off = Math.abs((found[i * d + j] as number) - (covariance[i]?.[j] as number))
      ofCovariance = Math.max(ofCovariance, scale === 0 ? off : off / scale)
    }
  }
  return { ofMean, ofCovariance }
}

describe('running moments', () => {
  test.each(golden.cases)('are exact to rounding: $name', ({ rows, exact }) => {
    const { ofMean, ofCovariance } = errorOf(momentsOf(rows), exact)
    expect(ofMean).toBeLessThan(1e-14)
    expect(ofCovariance).toBeLessThan(1e-13)
  })

  test.each(golden.cases.slice(0, 4))('agree with numpy: $name', ({ rows, numpy }) => {
    const { ofMean, ofCovariance } = errorOf(momentsOf(rows), numpy)
    expect(ofMean).toBeLessThan(1e-13)
    expect(ofCovariance).toBeLessThan(1e-13)
  })

  test('have the same variances where only these are kept', () => {
    for (const { rows, exact } of golden.cases) {
      const moments = momentsOf(rows, 'diagonal')
      for (const [i, value] of (moments.variance() ?? []).entries()) {
        const wanted = exact.covariance[i]?.[i] as number
        expect(Math.abs(value - wanted)).toBeLessThanOrEqual(1e-13 * wanted)
      }
      expect(() => moments.covariance()).toThrow(/keep variances alone/)
    }
  })

  test('do not depend on how rows are split and in which order the parts are merged', () => {
    for (const { rows, exact } of golden.cases) {
      const random = randomSource('merge order')
      for (let trial = 0; trial < 8; trial++) {
        const nParts = 1 + random.integer(9)
        const parts = Array.from({ length: nParts }, (): number[][] => [])
        for (const row of random.shuffle(rows)) parts[random.integer(nParts)]?.push(row)
        const d = rows[0]?.length ?? 0
        const merged = new RunningMoments({ dModel: d })
        for (const part of random.shuffle(parts)) {
          const one = new RunningMoments({ dModel: d })
          for (const row of part) one.add(Float64Array.from(row))
          merged.merge(one)
        }
        expect(merged.count).toBe(rows.length)
        const { ofMean, ofCovariance } = errorOf(merged, exact)
        expect(ofMean).toBeLessThan(1e-14)
        expect(ofCovariance).toBeLessThan(1e-12)
      }
    }
  })

  test('count empty answers apart and let nothing of them in', () => {
    const moments = new RunningMoments({ dModel: 2 })
    moments.add(Float32Array.of(Number.NaN, Number.NaN))
    moments.add(Float32Array.of(1, 2))
    moments.add(Float32Array.of(Number.NaN, Number.NaN))
    moments.add(Float32Array.of(3, 6))
    expect([moments.count, moments.nEmpty]).toEqual([2, 2])
    expect(moments.mean()).toEqual(Float64Array.of(2, 4))
    // Deviations -1, 1 and -2, 2, divisor 1.
    expect(moments.covariance()).toEqual(Float64Array.of(2, 4, 4, 8))
    const other = new RunningMoments({ dModel: 2 })
    other.add(Float32Array.of(Number.NaN, Number.NaN))
    moments.merge(other)
    other.merge(moments)
    expect([moments.nEmpty, other.nEmpty, other.count]).toEqual([3, 4, 2])
    expect(other.mean()).toEqual(Float64Array.of(2, 4))
  })

  test('are undefined where there are too few rows, never 0', () => {
    const moments = new RunningMoments({ dModel: 1 })
    expect(moments.mean()).toBeUndefined()
    moments.add(Float64Array.of(3))
    expect(moments.mean()).toEqual(Float64Array.of(3))
    expect(moments.variance()).toBeUndefined()
    expect(moments.covariance()).toBeUndefined()
  })

  test('refuse rows that are damaged or of another length, and change nothing', () => {
    const moments = momentsOf([
      [1, 2],
      [3, 4],
    ])
    const before = moments.state()
    expect(() => moments.add(Float64Array.of(1, Number.NaN))).toThrow(/NaN in 1 of 2 places/)
    expect(() => moments.add(Float64Array.of(1, Number.POSITIVE_INFINITY))).toThrow(/Infinity/)
    expect(() => moments.add(Float64Array.of(1))).toThrow(/has 1 numbers, and dModel is 2/)
    expect(() => moments.merge(new RunningMoments({ dModel: 3 }))).toThrow(/cannot be merged/)
    expect(() => new RunningMoments({ dModel: 0 })).toThrow(/dModel is 0/)
    expect(moments.state()).toEqual(before)
  })
})

describe('moments by group and layer', () => {
  const random = randomSource('groups')
  const rows = Array.from({ length: 50 }, () =>
    Float32Array.from({ length: 6 }, () => random.normal() + 100),
  )
  const filled = () => {
    const groups = new MomentGroups({ layers: [4, 9], dModel: 3 })
    for (const [i, row] of rows.entries()) groups.add(i % 3 === 0 ? 'em "x"/ü' : 'base', row)
    groups.add('base', new Float32Array(6).fill(Number.NaN))
    return groups
  }

  test('come back from a file to the bit, and go on as if nothing had been', async () => {
    const path = join(folder, 'a/moments.safetensors')
    const groups = filled()
    await groups.save(path)
    const loaded = await MomentGroups.load(path)
    expect(loaded.groups).toEqual(['em "x"/ü', 'base'])
    for (const group of groups.groups)
      for (const layer of [4, 9])
        expect(loaded.get(group, layer).state()).toEqual(groups.get(group, layer).state())
    for (const one of [groups, loaded]) for (const row of rows) one.add('base', row)
    expect(loaded.get('base', 9).state()).toEqual(groups.get('base', 9).state())
    expect(loaded.get('base', 4).nEmpty).toBe(1)
    expect(loaded.get('base', 4).count).toBe(33 + 50)
  })

  test('are stored as what the documentation says: origin + mean, co_moment / (count - 1)', async () => {
    const path = join(folder, 'stored.safetensors')
    const groups = filled()
    await groups.save(path)
    await using file = await openSafetensors(path)
    const read = async (part: string) =>
      (await file.read(`g1.layer_9.${part}`)).data as Float64Array
    const [origin, mean, coMoment] = [
      await read('origin'),
      await read('mean'),
      await read('co_moment'),
    ]
    expect(origin.map((value, i) => value + (mean[i] as number))).toEqual(
      groups.get('base', 9).mean(),
    )
    expect((coMoment[0] as number) / 32).toBe(groups.get('base', 9).variance()?.[0])
    expect(coMoment.length).toBe(6)
  })

  test('of several runs are merged group by group', () => {
    const one = filled()
    const two = filled()
    two.add('more', rows[0] as Float32Array)
    one.merge(two)
    expect(one.groups).toEqual(['em "x"/ü', 'base', 'more'])
    expect(one.get('base', 4).count).toBe(66)
    expect(one.get('more', 9).mean()).toEqual(Float64Array.from(rows[0]?.subarray(3) ?? []))
    expect(() => one.merge(new MomentGroups({ layers: [4], dModel: 3 }))).toThrow(/layers 4/)
  })

  test('take a response into all layers or none', () => {
    const groups = filled()
    const before = groups.get('base', 4).state()
    const damaged = Float32Array.of(1, 2, 3, 4, Number.NaN, 6)
    expect(() => groups.add('base', damaged)).toThrow(/NaN in 1 of 3 places/)
    expect(() => groups.add('base', new Float32Array(3))).toThrow(/\[2, 3\] are needed/)
    expect(groups.get('base', 4).state()).toEqual(before)
    expect(() => groups.get('base', 5)).toThrow(/Groups: em "x"\/ü, base; layers: 4, 9/)
    expect(() => groups.get('none', 4)).toThrow(/no moments of group 'none'/)
  })

  test('are not read from other files', async () => {
    const path = join(folder, 'other.safetensors')
    const write = (metadata: Record<string, string>, length = 3) => {
      const data = new Float64Array(length)
      const tensors = ['origin', 'mean', 'co_moment'].map((part) => {
        return { name: `g0.layer_1.${part}`, dtype: 'F64' as const, shape: [length], data }
      })
      return writeSafetensors(path, tensors, { metadata })
    }
    const format = { format: 'cem-moments', version: '1' }
    const group = { name: 'x', counts: [1], empty: [0] }
    const description = { layers: [1], hidden_dim: 3, covariance: 'diagonal', groups: [group] }
    await write({ ...format, moments: JSON.stringify(description) })
    expect((await MomentGroups.load(path)).groups).toEqual(['x'])
    for (const metadata of [
      {},
      { ...format, version: '2' },
      { ...format, moments: 'no JSON' },
      { ...format, moments: '{}' },
      { ...format, moments: 'null' },
      { ...format, moments: JSON.stringify({ ...description, covariance: 'none' }) },
      { ...format, moments: JSON.stringify({ ...description, groups: [{ name: 'x' }] }) },
      { ...format, moments: JSON.stringify({ ...description, groups: [null] }) },
    ]) {
      await write(metadata)
      await expect(MomentGroups.load(path)).rejects.toMatchObject({ code: 'moments-invalid' })
    }
    // A size that the tensors do not have is noticed before memory is taken for it.
    await write({ ...format, moments: JSON.stringify({ ...description, hidden_dim: 2 ** 40 }) })
    await expect(MomentGroups.load(path)).rejects.toMatchObject({ code: 'activations-mismatch' })
    await writeFile(path, 'no safetensors')
    await expect(MomentGroups.load(path)).rejects.toMatchObject({
      code: expect.stringContaining('safetensors'),
    })
  })
})
