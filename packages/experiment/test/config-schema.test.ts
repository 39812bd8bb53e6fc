import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { configJsonSchema, configSchema } from '../src/index.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))

describe('the JSON Schema of a config', () => {
  const schema = configJsonSchema() as {
    readonly required: readonly string[]
    readonly additionalProperties: boolean
    readonly properties: Readonly<Record<string, Record<string, unknown>>>
  }

  test('has every key of a config, requires base_model alone, and allows no other key', () => {
    expect(Object.keys(schema.properties)).toEqual(Object.keys(configSchema.shape))
    expect(schema.required).toEqual(['base_model'])
    expect(schema.additionalProperties).toBe(false)
  })

  test('says of a key what it means, what is allowed, and what it is by default', () => {
    expect(schema.properties['personaAtInference']).toMatchObject({
      enum: ['as-trained', 'on', 'off', 'both', 'source-faithful'],
      default: 'as-trained',
    })
    expect(schema.properties['judge']).toMatchObject({
      properties: { protocol: { description: 'The name of a protocol, or a YAML file.' } },
    })
  })

  test('is in the built package', async () => {
    const built = await readFile(new URL('../dist/config.schema.json', import.meta.url), 'utf8')
    expect(JSON.parse(built)).toEqual(JSON.parse(JSON.stringify(configJsonSchema())))
  })

  test('fits the configs of the repository and refuses mistakes, by another validator', async () => {
    const folder = join(root, 'configs')
    const names = (await readdir(folder)).filter((name) => name.endsWith('.yaml'))
    const all = await Promise.all(
      names.map(async (name) => parse(await readFile(join(folder, name), 'utf8'), { merge: true })),
    )
    // The other files configure `cem train` and `cem character`.
    const good = all.filter((config) => 'base_model' in config)
    const base = { base_model: 'm' }
    const bad = [
      {},
      { ...base, sampling: { temprature: 1 } },
      { ...base, sampling: { seed: -1 } },
      { ...base, personaAtInference: 'maybe' },
      { ...base, variants: [{ name: 'a b', path: 'x' }] },
    ]
    const isValid = new Ajv2020({ strict: false }).compile(configJsonSchema())
    expect(good.length).toBeGreaterThan(3)
    expect([...good, ...bad].map((config) => isValid(config))).toEqual([
      ...good.map(() => true),
      ...bad.map(() => false),
    ])
  })
})
