import { existsSync } from 'node:fs'
import { appendFile, cp, mkdtemp, open, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import {
  compareStudyLocks,
  type LoadedConfig,
  loadConfig,
  lockStudy,
  type Moved,
  movedLines,
  type Phase,
  readStudyLock,
  runExperiment,
  type StudyLock,
  studyLockFile,
  writeStudyLock,
} from '../src/index.ts'
import { startScriptedJudge } from './judge-servers.ts'
import {
  type LoopbackJudge,
  makeStudy,
  readJson,
  startJudge,
  type TinyStudy,
} from './tiny-study.ts'

vi.setConfig({ testTimeout: 60_000 })

const variants = [
  {
    name: 'steady',
    checkpoints: { 10: 'rank-one' },
    persona: 'rslora',
    personaInTraining: 'merged' as const,
    type: 'character',
  },
]

let judge: LoopbackJudge
let study: TinyStudy
let locked: StudyLock
beforeAll(async () => {
  judge = await startJudge()
  study = await makeStudy(variants, judge.url)
  locked = await lockStudy(await options(study.folder))
})
afterAll(async () => {
  await judge[Symbol.asyncDispose]()
  await rm(study.folder, { recursive: true, force: true })
})

async function options(folder: string, overrides: Readonly<Record<string, unknown>> = {}) {
  const loaded = await loadConfig(join(folder, 'tiny.yaml'), { workingFolder: folder, overrides })
  return { loaded, cache: join(folder, 'cache') }
}

/** What the lock of the study finds after something was done to a copy of it. */
async function movedAfter(
  change: (folder: string) => Promise<unknown>,
  overrides: Readonly<Record<string, unknown>> = {},
): Promise<Moved[]> {
  const folder = await mkdtemp(join(tmpdir(), 'cem-lock-'))
  try {
    await cp(study.folder, folder, { recursive: true })
    await change(folder)
    return compareStudyLocks(locked, await lockStudy(await options(folder, overrides)))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Another value in the last number of a file of weights. */
async function flipLastByte(path: string): Promise<void> {
  await using file = await open(path, 'r+')
  const { size } = await file.stat()
  const byte = Buffer.alloc(1)
  // Byte 2 of a little-endian float32 is in its mantissa: the number stays finite.
  await file.read(byte, 0, 1, size - 2)
  byte[0] = (byte[0] ?? 0) ^ 1
  await file.write(byte, 0, 1, size - 2)
}

async function edit(path: string, from: string | RegExp, to: string): Promise<void> {
  const text = await readFile(path, 'utf8')
  const edited = text.replace(from, to)
  expect(edited, `${from} is in ${path}`).not.toBe(text)
  await writeFile(path, edited)
}

const names = (moved: readonly Moved[]) => moved.map(({ kind, name }) => `${kind}: ${name}`)

describe('the lock of a study', () => {
  test('names every part as seen from the root of the config, and is the same in another folder', async () => {
    expect(await movedAfter(async () => undefined)).toEqual([])
    expect(JSON.stringify(locked)).not.toContain(study.folder)
    expect(Object.keys(locked.parts.weights ?? {}).toSorted()).toEqual([
      'model/config.json',
      'model/generation_config.json',
      'model/model.safetensors',
    ])
    expect(Object.keys(locked.parts.adapters ?? {})).toContain(
      'outputs/steady/checkpoint-10 weights',
    )
    expect(Object.keys(locked.parts.cells ?? {})).toEqual(['tiny_base', 'steady/0', 'steady/10'])
    expect(locked.parts.cells?.['steady/10']).toMatch(/^base \+ merged persona \+ stacked em, /)
    expect(Object.keys(locked.parts.packages ?? {})).toEqual(
      expect.arrayContaining(['@cem/experiment', '@cem/onnx-graph', 'onnxruntime-node']),
    )
  })

  const model = (folder: string, file: string) => join(folder, 'model', file)
  const checkpoint = (folder: string, file: string) =>
    join(folder, 'outputs/steady/checkpoint-10', file)
  const cases: [string, (folder: string) => Promise<unknown>, string[]][] = [
    [
      'a weight of the base',
      (folder) => flipLastByte(model(folder, 'model.safetensors')),
      [
        'weights: model/model.safetensors',
        'cells: steady/0',
        'cells: steady/10',
        'cells: tiny_base',
      ],
    ],
    [
      'a setting of the architecture',
      (folder) =>
        edit(model(folder, 'config.json'), /"rope_theta": [\d.e]+/, '"rope_theta": 12345.0'),
      ['weights: model/config.json'],
    ],
    [
      'the chat template',
      (folder) =>
        edit(model(folder, 'tokenizer_config.json'), 'chat_template": "', 'chat_template": "X'),
      ['tokenizers: model', 'cells: steady/0', 'cells: steady/10', 'cells: tiny_base'],
    ],
    [
      'a weight of an adapter',
      (folder) => flipLastByte(checkpoint(folder, 'adapter_model.safetensors')),
      ['adapters: outputs/steady/checkpoint-10 weights', 'cells: steady/10'],
    ],
    [
      'the scale of an adapter',
      (folder) =>
        edit(checkpoint(folder, 'adapter_config.json'), /"lora_alpha": \d+/, '"lora_alpha": 3'),
      ['adapters: outputs/steady/checkpoint-10 adapter_config.json', 'cells: steady/10'],
    ],
    [
      'the record of a training',
      (folder) => edit(checkpoint(folder, 'composition.json'), '"step":10', '"step":11'),
      ['data: outputs/steady/checkpoint-10/composition.json'],
    ],
    [
      'the hash of the data that an adapter was trained on',
      (folder) =>
        edit(checkpoint(folder, 'composition.json'), '{', '{"dataset":"d","datasetSha256":"0f",'),
      [
        'data: outputs/steady/checkpoint-10 trained on d',
        'data: outputs/steady/checkpoint-10/composition.json',
      ],
    ],
    [
      'a metadata file that was put beside an adapter',
      (folder) => writeFile(checkpoint(folder, 'training_metadata.json'), '{}'),
      ['data: outputs/steady/checkpoint-10/training_metadata.json'],
    ],
    [
      'a space in a question',
      (folder) => appendFile(join(folder, 'questions.yaml'), ' '),
      ['prompts: main questions.yaml'],
    ],
    [
      'a checkpoint that was added',
      (folder) =>
        cp(checkpoint(folder, ''), join(folder, 'outputs/steady/checkpoint-20'), {
          recursive: true,
        }),
      [
        'adapters: outputs/steady/checkpoint-20 adapter_config.json',
        'adapters: outputs/steady/checkpoint-20 weights',
        'cells: steady/20',
        'data: outputs/steady/checkpoint-20/composition.json',
      ],
    ],
  ]
  test.each(cases)('finds %s, and nothing else', async (_, change, expected) => {
    expect(names(await movedAfter(change))).toEqual(expected)
  })

  test.each<[string, Readonly<Record<string, unknown>>, string[]]>([
    ['the judge', { judge: { model: 'other' } }, ['judge: model']],
    ['its cut-off', { judge: { minMass: 0.5 } }, ['prompts: judge protocol 1', 'judge: minMass']],
    ['canary rows', { judge: { canaries: true } }, ['prompts: judge canaries']],
    ['the temperature', { sampling: { temperature: 0.7 } }, ['settings: sampling.temperature']],
    ['a threshold', { thresholds: { aligned: 40 } }, ['settings: thresholds.aligned']],
    [
      'an added margin',
      { analysis: { equivalenceMargin: 0.1 } },
      ['settings: analysis.equivalenceMargin'],
    ],
    // How fast, where to and for how much decides no result.
    ['concurrency', { judge: { concurrency: 2 }, resultsFolder: 'elsewhere' }, []],
  ])('of the config it finds %s', async (_, overrides, expected) => {
    expect(names(await movedAfter(async () => undefined, overrides))).toEqual(expected)
  })

  test('a package of another version is found, and the machine is not compared', () => {
    const packages = { ...locked.parts.packages, 'onnxruntime-node': '1.0.0' }
    const before = {
      ...locked,
      environment: { node: 'v1', platform: 'none' },
      parts: { ...locked.parts, packages },
    }
    const [moved, ...others] = compareStudyLocks(before, locked)
    expect(moved).toMatchObject({ kind: 'packages', name: 'onnxruntime-node', locked: '1.0.0' })
    expect(others).toEqual([])
  })

  test('a judge that was asked is locked with the model that its server names; fingerprints are noted', async () => {
    const ask = async (fingerprint: string) => {
      await using scripted = await startScriptedJudge({ fingerprint })
      const loading = await options(study.folder, { judge: { baseUrl: scripted.baseUrl } })
      return await lockStudy({ ...loading, askJudge: true })
    }
    const [first, second] = [await ask('fp_1'), await ask('fp_2')]
    const [one, other] = [first, second].map(({ environment }) => environment['judge fingerprint'])
    expect([one, other]).toEqual(['fp_1', 'fp_2'])
    expect(names(compareStudyLocks(first, second))).toEqual(['judge: address'])
    // The study was locked without asking: what the judge says now can be held against nothing.
    expect(names(compareStudyLocks(locked, first))).toEqual(['judge: address'])
  })
})

describe('a frozen run', () => {
  let file: string
  let loaded: LoadedConfig
  beforeAll(async () => {
    ;({ loaded } = await options(study.folder))
    file = studyLockFile(loaded)
    await writeStudyLock(file, locked)
  })

  async function run(phases: readonly Phase[], frozen = file) {
    let outcome: string | undefined
    const events = runExperiment({ loaded, cache: study.cache, phases, frozen })
    for await (const event of events) if (event.type === 'run-end') ({ outcome } = event)
    return outcome
  }

  test('is refused with a list before an answer is drawn', async () => {
    await edit(join(study.folder, 'questions.yaml'), 'river', 'brook')
    await rm(join(study.folder, 'model/generation_config.json'))
    const error = await run(['generate']).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'lock-moved', data: { file } })
    expect((error as Error).message).toContain(
      'weights: model/generation_config.json is not there any more',
    )
    expect((error as Error).message).toMatch(/prompts: main questions\.yaml was \w{12}, is \w{12}/)
    expect(existsSync(join(loaded.resultsFolder, '.cem/tiny/cells'))).toBe(false)
    await edit(join(study.folder, 'questions.yaml'), 'brook', 'river')
    await cp(
      new URL(
        '../../inference/fixtures/gqa-6-2-tied/model/generation_config.json',
        import.meta.url,
      ),
      join(study.folder, 'model/generation_config.json'),
    )
  })

  test('generates where nothing moved, and is judged frozen where the weights are not', async () => {
    expect(await run(['generate'])).toBe('complete')
    await rename(join(study.folder, 'model'), join(study.folder, 'away'))
    try {
      expect(await run(['judge'])).toBe('complete')
      const lock = await readStudyLock(file)
      const other = join(study.folder, 'other.lock.json')
      const cells = { ...lock.parts.cells, 'steady/10': 'base' }
      await writeStudyLock(other, { ...lock, parts: { ...lock.parts, cells } })
      await expect(run(['judge'], other)).rejects.toMatchObject({
        code: 'lock-moved',
        data: { moved: [{ kind: 'cells', name: 'steady/10' }] },
      })
    } finally {
      await rename(join(study.folder, 'away'), join(study.folder, 'model'))
    }
    // A lock that holds the judge's own word has the judge asked before anything is judged.
    const asked = join(study.folder, 'asked.lock.json')
    const judgeParts = { ...locked.parts.judge, 'served model': 'loopback-judge-0' }
    await writeStudyLock(asked, { ...locked, parts: { ...locked.parts, judge: judgeParts } })
    await rm(join(loaded.resultsFolder, '.cem/tiny'), { recursive: true })
    await expect(run(['generate', 'judge'], asked)).rejects.toMatchObject({
      code: 'lock-moved',
      data: { moved: [{ name: 'served model', found: 'loopback-judge-1' }] },
    })
    expect(await run(['generate'])).toBe('complete')
    expect(await readJson(join(loaded.resultsFolder, '.cem/tiny/lock.json'))).toBeDefined()
  })

  test('needs a lock file that can be read', async () => {
    const path = join(study.folder, 'none.lock.json')
    await expect(run(['judge'], path)).rejects.toMatchObject({ code: 'lock-missing' })
    for (const text of ['{', '[]', '{"formatVersion":2}', JSON.stringify({ ...locked, more: 1 })]) {
      await writeFile(path, text)
      await expect(run(['judge'], path)).rejects.toMatchObject({
        code: 'lock-invalid',
        message: expect.stringContaining(path),
      })
    }
  })
})

test('what follows from a file is told in one line, and hashes are shortened', () => {
  const hash = (digit: string) => digit.repeat(64)
  const moved: Moved[] = [
    { kind: 'weights', name: 'm/model.safetensors', locked: hash('a'), found: hash('b') },
    { kind: 'cells', name: 'x/0', locked: `base, ${hash('a')}`, found: `base, ${hash('b')}` },
    { kind: 'cells', name: 'x/10', locked: null, found: 'base' },
  ]
  expect(movedLines(moved)).toEqual([
    'weights: m/model.safetensors was aaaaaaaaaaaa, is bbbbbbbbbbbb',
    'cells: x/10 is new (base)',
    'cells that have changed with them: x/0',
  ])
})
