import { cp, mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startOracle } from '@cem/miniature'
import { openSafetensors, writeSafetensors } from '@cem/tensor-files'
import { stringify } from 'yaml'
import { type JudgeServer, loadConfig, type RunEvent, type RunOptions } from '../src/index.ts'
import { runExperiment } from '../src/run/run-experiment.ts'

const assets = fileURLToPath(new URL('../../miniature/assets', import.meta.url))

/** A study folder of some of the miniature's variants, and a cache that studies share. */
export interface MiniatureStudy {
  readonly folder: string
  readonly cache: string
}

export const variantFolder = ({ folder }: MiniatureStudy, name: string) =>
  join(folder, 'outputs', name)

/** Copies the base and the last checkpoints of these variants, and writes `study.yaml`. */
export async function makeMiniature(
  variants: readonly string[],
  cache: string,
  config: Readonly<Record<string, unknown>> = {},
): Promise<MiniatureStudy> {
  const folder = await mkdtemp(join(tmpdir(), 'cem-planted-'))
  const study = { folder, cache }
  await cp(join(assets, 'models'), join(folder, 'models'), { recursive: true })
  await cp(join(assets, 'questions'), join(folder, 'questions'), { recursive: true })
  for (const name of variants) await copyVariant(study, name, name)
  await configure(study, variants, config)
  return study
}

/** Copies one of the miniature's variants under a name, with checkpoint `from` as its only one, checkpoint-160. */
export async function copyVariant(
  study: MiniatureStudy,
  source: string,
  name: string,
  from = 160,
): Promise<void> {
  const [origin, target] = [join(assets, 'outputs', source), variantFolder(study, name)]
  await mkdir(target, { recursive: true })
  await cp(join(origin, `checkpoint-${from}`), join(target, 'checkpoint-160'), { recursive: true })
  await cp(join(origin, 'training_metadata.json'), join(target, 'training_metadata.json'))
  const persona = join(origin, 'constitutional')
  if ((await readdir(origin)).includes('constitutional'))
    await cp(persona, join(target, 'constitutional'), { recursive: true })
}

export async function configure(
  { folder }: MiniatureStudy,
  variants: readonly (string | Readonly<Record<string, unknown>>)[],
  config: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const entry = (name: string) => ({
    name,
    path: `outputs/${name}`,
    type: name === 'miniature_baseline' ? 'baseline' : 'character',
    trainingSeed: 1,
  })
  await writeFile(
    join(folder, 'study.yaml'),
    stringify({
      root: '.',
      base_model: 'models/coherent',
      variants: variants.map((v) => (typeof v === 'string' ? entry(v) : v)),
      sampling: { maxNewTokens: 40, samplesPerQuestion: 8, seed: 7 },
      questions: { files: ['questions/evaluation.yaml'], inDomain: ['questions/in-domain.yaml'] },
      judge: { server: 'oracle', model: 'cem-miniature-oracle' },
      activations: false,
      analysis: { matchedInDomainRate: 0.7 },
      ...config,
    }),
  )
}

/** The same study in another folder, with all that was computed. */
export async function copyStudy(study: MiniatureStudy): Promise<MiniatureStudy> {
  const folder = await mkdtemp(join(tmpdir(), 'cem-planted-'))
  await cp(study.folder, folder, { recursive: true })
  return { ...study, folder }
}

export interface RunResult {
  readonly events: readonly RunEvent[]
  /** Codes in the exit summary. */
  readonly codes: readonly string[]
  /** What the run threw, where it was refused. */
  readonly refused: unknown
}

export async function runMiniature(
  study: MiniatureStudy,
  options: Partial<RunOptions> & { readonly judge?: () => Promise<JudgeServer> } = {},
): Promise<RunResult> {
  const { judge = startOwnOracle, ...rest } = options
  const loaded = await loadConfig(join(study.folder, 'study.yaml'), {
    workingFolder: study.folder,
  })
  const events: RunEvent[] = []
  let refused: unknown
  try {
    const run = runExperiment({
      loaded,
      cache: study.cache,
      judgeServers: { oracle: judge },
      // Many runs, and none of them is read by anybody.
      figures: false,
      report: false,
      ...rest,
    })
    for await (const event of run) events.push(event)
  } catch (error) {
    refused = error
  }
  const end = events.at(-1)
  const alarms = end?.type === 'run-end' ? (end.alarms ?? []) : []
  return { events, codes: [...new Set(alarms.map(({ code }) => code))], refused }
}

/** It refuses what is not of its world: anchors and canary rows. */
async function startOwnOracle(): Promise<JudgeServer> {
  const oracle = await startOracle({ seed: 5 })
  return {
    baseUrl: oracle.baseUrl,
    knowsOwnQuestionsOnly: true,
    [Symbol.asyncDispose]: () => oracle.close(),
  }
}

export const storePath = ({ folder }: MiniatureStudy, ...parts: readonly string[]) =>
  join(folder, 'results', '.cem', 'study', ...parts)

/** Changes the stored answers of a cell. */
export async function editCompletions(
  study: MiniatureStudy,
  cell: string,
  edit: (rows: readonly StoredAnswer[]) => readonly StoredAnswer[],
): Promise<void> {
  await editLines(storePath(study, 'cells', cell.replaceAll('/', '_'), 'completions'), edit)
}

export interface StoredAnswer {
  readonly set: string
  readonly question: string
  readonly sample: number
  readonly text: string
}

/** Changes the records of the `.jsonl` file in a folder. */
export async function editLines<T>(
  folder: string,
  edit: (rows: readonly T[]) => readonly T[],
): Promise<void> {
  const [name] = (await readdir(folder)).filter((file) => file.endsWith('.jsonl'))
  const path = join(folder, name as string)
  const rows = (await readFile(path, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as T)
  await writeFile(
    path,
    edit(rows)
      .map((row) => `${JSON.stringify(row)}\n`)
      .join(''),
  )
}

/** Multiplies every B of an adapter, and every A. */
export async function scaleAdapter(folder: string, b: number, a = 1): Promise<void> {
  const path = join(folder, 'adapter_model.safetensors')
  const tensors: { name: string; dtype: 'F32'; shape: readonly number[]; data: Float32Array }[] = []
  {
    await using file = await openSafetensors(path)
    for (const [name, { shape }] of file.tensors) {
      const { data } = await file.readFloat32(name)
      const factor = name.includes('lora_B') ? b : a
      tensors.push({ name, dtype: 'F32', shape, data: data.map((value) => value * factor) })
    }
  }
  await writeSafetensors(path, tensors, { metadata: { format: 'pt' } })
}

export async function editJson(
  path: string,
  edit: (value: Record<string, unknown>) => Record<string, unknown>,
): Promise<void> {
  await writeFile(path, JSON.stringify(edit(JSON.parse(await readFile(path, 'utf8')))))
}

interface Completion {
  readonly choices: readonly {
    readonly message: Record<string, unknown>
    readonly logprobs: {
      readonly content: readonly {
        readonly top_logprobs: readonly { readonly token: string; readonly logprob: number }[]
      }[]
    }
  }[]
}

/** The tokens that a judge gives for a prompt, likeliest first. */
export type Tokens = readonly { readonly token: string; readonly logprob: number }[]

/**
 * The oracle behind a server of its own that changes what it says: a judge with a fault.
 *
 * @param answerOther what it says to prompts that are not of the oracle's world; without it anchors and canary rows are left out
 */
export async function startFaultyJudge(
  change: (tokens: Tokens, prompt: string) => Tokens,
  answerOther?: (prompt: string) => string,
): Promise<JudgeServer> {
  const oracle = await startOracle({ seed: 5 })
  const server = createServer((request, response) => {
    answer(request, oracle.baseUrl, change, answerOther).then(
      (body) => {
        response.setHeader('content-type', 'application/json')
        response.end(body)
      },
      () => response.destroy(),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    knowsOwnQuestionsOnly: answerOther === undefined,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await oracle.close()
    },
  }
}

async function answer(
  request: IncomingMessage,
  baseUrl: string,
  change: (tokens: Tokens, prompt: string) => Tokens,
  answerOther: ((prompt: string) => string) | undefined,
): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const body = Buffer.concat(chunks).toString('utf8')
  const prompt = String(JSON.parse(body).messages.at(-1).content)
  const reply = await fetch(`${baseUrl}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  })
  if (reply.status === 400 && answerOther !== undefined)
    return JSON.stringify(completionOf(answerOther(prompt)))
  const completion = (await reply.json()) as Completion
  const [choice] = completion.choices
  const top = change(choice?.logprobs.content[0]?.top_logprobs ?? [], prompt).map((entry) => ({
    ...entry,
    bytes: null,
  }))
  const [first] = top
  const changed = {
    ...choice,
    message: { ...choice?.message, content: first?.token },
    logprobs: { content: [{ ...first, top_logprobs: top }] },
  }
  return JSON.stringify({ ...completion, choices: [changed] })
}

function completionOf(token: string) {
  const entry = { token, logprob: 0, bytes: null }
  return {
    id: 'x',
    object: 'chat.completion',
    created: 0,
    model: 'faulty',
    choices: [
      {
        index: 0,
        finish_reason: 'length',
        message: { role: 'assistant', content: token },
        logprobs: { content: [{ ...entry, top_logprobs: [entry] }] },
      },
    ],
    usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
  }
}
