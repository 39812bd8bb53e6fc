import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { loadConfig, planCells, readVariantFolder } from '../src/index.ts'
import { makeStudy, type TinyStudy, type VariantSpec } from './tiny-study.ts'

let study: TinyStudy | undefined
afterEach(async () => {
  if (study !== undefined) await rm(study.folder, { recursive: true, force: true })
})

async function plan(variant: Partial<VariantSpec>, config: Readonly<Record<string, unknown>> = {}) {
  const spec = { name: 'v', checkpoints: { 10: 'rank-one', 20: 'rank-one' }, ...variant }
  study = await makeStudy([spec], 'http://127.0.0.1:9/v1', { evaluate_base: false, ...config })
  const loaded = await loadConfig(study.configFile, { workingFolder: study.folder })
  const { cells } = await planCells(loaded)
  return cells.map(({ id, persona, match, layers }) => ({
    id,
    persona,
    match,
    layers: layers.map((layer) => `${layer.role} ${layer.mode}`).join(', '),
  }))
}

describe('the persona at inference', () => {
  const persona = 'rslora'

  test('as-trained follows the record: merged stays merged, below the EM adapter', async () => {
    expect(await plan({ persona, personaInTraining: 'merged' })).toEqual([
      { id: 'v/0', persona: 'merged', match: 'as-trained', layers: 'persona merged' },
      { id: 'v/10', persona: 'merged', match: 'as-trained', layers: 'persona merged, em stacked' },
      { id: 'v/20', persona: 'merged', match: 'as-trained', layers: 'persona merged, em stacked' },
    ])
  })

  test('as-trained keeps a persona off that was off in training', async () => {
    const cells = await plan({ persona, personaInTraining: 'off' })
    expect(cells[1]).toEqual({
      id: 'v/10',
      persona: 'off',
      match: 'as-trained',
      layers: 'persona off, em stacked',
    })
  })

  test('a persona that the config names stands in for the one in the folder, under its role', async () => {
    const variant = { name: 'v', path: 'outputs/v', persona: 'outputs/v/checkpoint-10' }
    const named = { variants: [{ ...variant, personaRole: 'control' }], personaAtInference: 'on' }
    const cells = await plan({ personaInTraining: 'none' }, named)
    expect(cells[1]).toEqual({
      id: 'v/10',
      persona: 'stacked',
      match: 'MISMATCH',
      layers: 'control stacked, em stacked',
    })
    const missing = { variants: [{ ...variant, persona: 'outputs/nowhere' }] }
    await expect(plan({}, missing)).rejects.toMatchObject({
      code: 'persona-missing',
      message: expect.stringContaining('outputs/nowhere'),
    })
  })

  test('without a record the plan stops and says what to choose', async () => {
    await expect(plan({ persona, personaInTraining: null })).rejects.toMatchObject({
      code: 'persona-unrecorded',
      message: expect.stringMatching(/personaAtInference: on, off, both or source-faithful/),
    })
  })

  test('on, where it was off in training, is a MISMATCH; and the other way round', async () => {
    const on = await plan({ persona, personaInTraining: 'off' }, { personaAtInference: 'on' })
    expect(on[1]).toMatchObject({ persona: 'stacked', match: 'MISMATCH' })
    const off = await plan({ persona, personaInTraining: 'merged' }, { personaAtInference: 'off' })
    expect(off[1]).toMatchObject({ persona: 'off', match: 'MISMATCH' })
  })

  test('both makes two cells, told apart by name and file', async () => {
    const cells = await plan(
      { persona, personaInTraining: 'merged' },
      { personaAtInference: 'both', skipInitial: true, steps: [20] },
    )
    expect(cells).toEqual([
      {
        id: 'v/20@persona-on',
        persona: 'merged',
        match: 'as-trained',
        layers: 'persona merged, em stacked',
      },
      {
        id: 'v/20@persona-off',
        persona: 'off',
        match: 'MISMATCH',
        layers: 'persona off, em stacked',
      },
    ])
  })

  test('source-faithful is what the Python scripts did: the persona for step 0 alone', async () => {
    const cells = await plan(
      { persona, personaInTraining: 'merged' },
      { personaAtInference: 'source-faithful' },
    )
    expect(cells.map((c) => [c.id, c.persona, c.match])).toEqual([
      ['v/0', 'stacked', 'as-trained'],
      ['v/10', 'off', 'MISMATCH'],
      ['v/20', 'off', 'MISMATCH'],
    ])
  })

  test('a choice without a record is labelled unrecorded', async () => {
    const cells = await plan({ persona, personaInTraining: null }, { personaAtInference: 'on' })
    expect(cells[1]).toMatchObject({ persona: 'stacked', match: 'unrecorded' })
  })

  test('a record of an active persona whose adapter is gone stops the plan', async () => {
    await expect(plan({ personaInTraining: 'merged' })).rejects.toMatchObject({
      code: 'persona-missing',
    })
  })
})

test('saveSteps, steps and skipInitial choose checkpoints', async () => {
  const ids = async (config: Readonly<Record<string, unknown>>) =>
    (await plan({}, config)).map((c) => c.id)
  expect(await ids({ saveSteps: 20 })).toEqual(['v/0', 'v/20'])
  expect(await ids({ skipInitial: true })).toEqual(['v/10', 'v/20'])
  expect(await ids({ steps: [10] })).toEqual(['v/10'])
})

test('folders that hold nothing to run say so', async () => {
  await expect(readVariantFolder('/no/such/folder')).rejects.toMatchObject({
    code: 'variant-not-found',
  })
  study = await makeStudy([], 'http://127.0.0.1:9/v1')
  await expect(readVariantFolder(join(study.folder, 'model'))).rejects.toMatchObject({
    code: 'variant-empty',
  })
})
