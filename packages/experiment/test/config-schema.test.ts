import { execFileSync, spawnSync } from 'node:child_process'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { configJsonSchema, configSchema } from '../src/index.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const python = '/tmp/oracle/venv/bin/python'
const hasPython = spawnSync(python, ['-c', 'import jsonschema']).status === 0

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

  test.skipIf(!hasPython)(
    'fits the configs of the repository and refuses mistakes, by the jsonschema package of Python',
    async () => {
      const folder = join(root, 'configs')
      const names = (await readdir(folder)).filter((name) => name.endsWith('.yaml'))
      const good = await Promise.all(
        names.map(async (name) =>
          parse(await readFile(join(folder, name), 'utf8'), { merge: true }),
        ),
      )
      const base = { base_model: 'm' }
      const bad = [
        {},
        { ...base, sampling: { temprature: 1 } },
        { ...base, sampling: { seed: -1 } },
        { ...base, personaAtInference: 'maybe' },
        { ...base, variants: [{ name: 'a b', path: 'x' }] },
      ]
      const file = join(tmpdir(), `cem-schema-${process.pid}.json`)
      await writeFile(file, JSON.stringify({ schema, all: [...good, ...bad] }))
      const script = `import json, sys, jsonschema
d = json.load(open(sys.argv[1]))
v = jsonschema.Draft202012Validator(d['schema'])
print(json.dumps([v.is_valid(x) for x in d['all']]))`
      const out = execFileSync(python, ['-c', script, file], { encoding: 'utf8' })
      expect(names.length).toBeGreaterThan(0)
      expect(JSON.parse(out)).toEqual([...good.map(() => true), ...bad.map(() => false)])
    },
  )
})
