import { describe, expect, test } from 'vitest'
import { InterventionPlan, noInterventions } from '../src/engine/intervention-plan.ts'
import type { InterventionStep } from '../src/engine/messages.ts'
import type { Architecture } from '../src/families/architecture.ts'
import { interventionsRecord } from '../src/index.ts'

describe('the record of interventions', () => {
  test('has the hash that other tools compute for the direction', () => {
    const direction = Float32Array.of(3, -4)
    const { interventions } = interventionsRecord([
      { kind: 'cap', layers: [1], direction, limit: 2, side: 'below' },
    ])
    expect(interventions).toEqual([
      {
        kind: 'cap',
        layers: [1],
        positions: 'all',
        // hashlib.sha256(struct.pack('<2f', 3, -4)).hexdigest()
        directionSha256: '0ec319d2388b30d58b4984c0910963c7f01e7bba46c69b0f0db4d7f2f0935f64',
        directionNorm: 5,
        limit: 2,
        side: 'below',
      },
    ])
  })

  test('of nothing has no hash, and everything that decides the outcome changes it', () => {
    expect(interventionsRecord([])).toEqual({ sha256: null, interventions: [] })
    const add = {
      kind: 'add',
      layers: [1],
      direction: Float32Array.of(1, 0),
      coefficient: 2,
    } as const
    const others = [
      [add],
      [add, add],
      [{ ...add, layers: [2] }],
      [{ ...add, direction: Float32Array.of(2, 0) }],
      [{ ...add, coefficient: 2.5 }],
      [{ ...add, normalize: false }],
      [{ ...add, positions: 'generated' as const }],
      [add, { ...add, layers: [2] }],
      [{ ...add, layers: [2] }, add],
    ].map((list) => interventionsRecord(list).sha256)
    expect(new Set(others).size).toBe(9)
    // Defaults, written out or not.
    const same = interventionsRecord([{ ...add, positions: 'all', normalize: true }])
    expect(same.sha256).toBe(others[0])
  })
})

describe('the inputs of the graph', () => {
  const architecture = { nLayers: 3, dModel: 2 } as Architecture
  const step = (layer: number, direction: number, offset: number): InterventionStep => ({
    layer,
    direction,
    positions: 'all',
    offset,
    slope: 0,
    low: -9,
    high: 9,
  })
  const data = (feeds: ReturnType<typeof noInterventions>, name: string) =>
    Array.from(feeds[name]?.data as Iterable<number | bigint | boolean>, Number)
  const flags = (feeds: ReturnType<typeof noInterventions>) =>
    [0, 1, 2].map((layer) => data(feeds, `is_intervening.${layer}`)[0])
  const directions = [Float32Array.of(1, 0), Float32Array.of(0, 1)]

  test('a sweep over coefficients is one direction with a number for each row', () => {
    const lists = [[step(1, 0, 1)], [step(1, 0, 2)], []]
    const feeds = new InterventionPlan(architecture, { directions, lists }).feeds({
      intervention_terms: { lists: [1, 0, 2, 1, -1], places: [0, 0, 0, 0, 0] },
    })
    expect(flags(feeds)).toEqual([0, 1, 0])
    expect(data(feeds, 'intervention_starts')).toEqual([0, 0, 1, 1])
    expect(data(feeds, 'intervention_directions')).toEqual([1, 0])
    expect(feeds['intervention_terms']?.dims).toEqual([1, 5, 4])
    const expected = [
      [2, 0, -9, 9],
      [1, 0, -9, 9],
      [0, 0, 0, 0],
      [2, 0, -9, 9],
      [0, 0, 0, 0],
    ]
    expect(data(feeds, 'intervention_terms')).toEqual(expected.flat())
  })

  test('lists in opposite orders keep their own order', () => {
    const lists = [
      [step(2, 0, 1), step(2, 1, 2)],
      [step(2, 1, 3), step(2, 0, 4)],
    ]
    const feeds = new InterventionPlan(architecture, { directions, lists }).feeds({
      intervention_terms: { lists: [0, 1], places: [0, 0] },
    })
    const offsets = data(feeds, 'intervention_terms').filter((_, i) => i % 4 === 0)
    const order = [0, 1].map((row) =>
      Array.from({ length: offsets.length / 2 }, (_, k) => offsets[k * 2 + row]).filter(Boolean),
    )
    expect(order).toEqual([
      [1, 2],
      [3, 4],
    ])
    expect(data(feeds, 'intervention_starts')).toEqual([0, 0, 0, 3])
  })

  test('a run in which nothing applies is a run without interventions', () => {
    const lists = [[{ ...step(0, 0, 1), positions: 'generated' as const }]]
    const plan = new InterventionPlan(architecture, { directions, lists })
    const prompt = plan.feeds({ x: { lists: [0, 0], places: [0, 0] } })
    expect(flags(prompt)).toEqual([0, 0, 0])
    expect(flags(plan.feeds({ x: { lists: [0, 0], places: [0, 1] } }))).toEqual([1, 0, 0])
    expect(flags(noInterventions(architecture))).toEqual([0, 0, 0])
  })

  test('an intervention on answers only has terms for the prompt too, which do nothing', () => {
    const lists = [[{ ...step(1, 0, 3), positions: 'generated' as const }]]
    const feeds = new InterventionPlan(architecture, { directions, lists }).feeds({
      prompt: { lists: [0, 0], places: [0, 0] },
      answer: { lists: [0], places: [1] },
    })
    expect(flags(feeds)).toEqual([0, 1, 0])
    expect(data(feeds, 'prompt')).toEqual([0, 0, 0, 0, 0, 0, 0, 0])
    expect(data(feeds, 'answer')).toEqual([3, 0, -9, 9])
  })
})
