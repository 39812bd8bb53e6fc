// Mutants of adapter_config.json, each beside the adapter's own weights.
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { randomSource } from '@cem/core'
import { readMutants } from '@cem/vitest-config/mutants'
import { type Adapter, openAdapter } from '../../src/adapters/open-adapter.ts'
import { openModelFolder } from '../../src/model/model-folder.ts'
import { mutateJson } from './mutate-json.ts'

const model = fileURLToPath(new URL('../../fixtures/gqa-6-2-tied', import.meta.url))
const folder = await mkdtemp(join(tmpdir(), 'cem-adapter-mutants-'))
const { architecture } = await openModelFolder(join(model, 'model'))
const names = (await readdir(join(model, 'adapters'))).toSorted()

try {
  await readMutants(Number(process.argv[2]), async (seed) => {
    const name = names[seed % names.length] as string
    const own = join(folder, name)
    await cp(join(model, 'adapters', name), own, { recursive: true })
    const path = join(own, 'adapter_config.json')
    const mutant = mutateJson(await readFile(path, 'utf8'), randomSource('adapter', seed))
    await writeFile(path, mutant)
    const adapter = await openAdapter(own, architecture, { cache: join(folder, 'cache') })
    check(adapter, JSON.parse(mutant.toString('utf8')))
  })
} finally {
  await rm(folder, { recursive: true, force: true })
}

/** What was opened must be what the file says, by PEFT's rules written down again. */
function check({ modules, config }: Adapter, said: Record<string, unknown>): void {
  const { target_modules: targets, layers_to_transform: layers } = said
  const isTarget = (path: string) => {
    if (targets === 'all-linear') return true
    if (typeof targets === 'string') return new RegExp(`^(?:${targets})$`).test(path)
    return (targets as string[]).includes(path.slice(path.lastIndexOf('.') + 1))
  }
  const wanted = [layers ?? []].flat()
  const isIn = (path: string) => wanted.length === 0 || wanted.includes(Number(path.split('.')[2]))
  for (const { path, rank, scale, nIn, nOut, a, b } of modules) {
    same(isTarget(path) && isIn(path), true, `${path} is no target`)
    const ownRank = patternValue(said['rank_pattern'], path) ?? said['r']
    const alpha = Number(patternValue(said['alpha_pattern'], path) ?? said['lora_alpha'])
    same(rank, ownRank, `the rank of ${path}`)
    same(scale, said['use_rslora'] === true ? alpha / Math.sqrt(rank) : alpha / rank, 'a scale')
    same(Number.isInteger(rank) && rank > 0 && scale > 0 && scale < Infinity, true, 'a range')
    same([...a.shape, ...b.shape].join(), [rank, nIn, nOut, rank].join(), 'a shape')
  }
  if (modules.length === 0) throw new Error('no module')
  same(config.r, said['r'], 'r')
  for (const key of ['use_dora', 'modules_to_save', 'layer_replication', 'trainable_token_indices'])
    if (said[key]) same(Object.keys(said[key]).length, 0, key)
}

function patternValue(pattern: unknown, path: string): number | undefined {
  const found = Object.entries((pattern ?? {}) as Record<string, number>)
  return found.find(([key]) => new RegExp(`^(.*\\.)?(${key})$`).test(path))?.[1]
}

function same(own: unknown, expected: unknown, what: string): void {
  if (own !== expected)
    throw new Error(`${what} is ${String(own)}, and the file calls for ${String(expected)}`)
}
