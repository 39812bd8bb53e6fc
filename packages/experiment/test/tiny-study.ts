import { cp, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'

const fixtures = fileURLToPath(new URL('../../inference/fixtures/gqa-6-2-tied', import.meta.url))

export interface VariantSpec {
  readonly name: string
  /** Fixture adapters by step. */
  readonly checkpoints: Readonly<Record<number, string>>
  readonly persona?: string
  /** What the record beside each checkpoint says; null: no record. */
  readonly personaInTraining?: 'none' | 'merged' | 'stacked' | 'off' | null
  readonly type?: string
}

export interface TinyStudy {
  readonly folder: string
  readonly configFile: string
  readonly cache: string
}

/** A study folder with a random tiny model, adapters as its checkpoints, and a config. */
export async function makeStudy(
  variants: readonly VariantSpec[],
  judgeUrl: string,
  config: Readonly<Record<string, unknown>> = {},
): Promise<TinyStudy> {
  const folder = await mkdtemp(join(tmpdir(), 'cem-experiment-'))
  await cp(join(fixtures, 'model'), join(folder, 'model'), { recursive: true })
  for (const variant of variants) await makeVariant(folder, variant)
  await writeQuestions(join(folder, 'questions.yaml'), ['river', 'tide', 'reed'])
  await writeQuestions(join(folder, 'in-domain.yaml'), ['money'])
  const configFile = join(folder, 'tiny.yaml')
  await writeFile(
    configFile,
    stringify({
      root: '.',
      base_model: 'model',
      base_output_name: 'tiny_base',
      baseAliases: ['cem-fixtures/gqa-6-2-tied'],
      variants: variants.map(({ name, type = 'baseline' }) => ({
        name,
        path: `outputs/${name}`,
        type,
      })),
      sampling: { maxNewTokens: 6, samplesPerQuestion: 4, seed: 1 },
      questions: { files: ['questions.yaml'], inDomain: ['in-domain.yaml'] },
      // A judge that rates by the number of characters is none to try with canary rows.
      judge: {
        baseUrl: judgeUrl,
        model: 'loopback-judge',
        maxAttempts: 2,
        anchors: false,
        canaries: false,
      },
      // Three questions and random weights: which layer would be chosen is a matter of rounding.
      direction: { layer: 1 },
      ...config,
    }),
  )
  return { folder, configFile, cache: join(folder, 'cache') }
}

async function makeVariant(folder: string, variant: VariantSpec): Promise<void> {
  const { name, checkpoints, persona, personaInTraining = 'none' } = variant
  const path = join(folder, 'outputs', name)
  const copy = (adapter: string, to: string) =>
    cp(join(fixtures, 'adapters', adapter), join(path, to), { recursive: true })
  if (persona !== undefined) await copy(persona, 'constitutional')
  for (const [step, adapter] of Object.entries(checkpoints)) {
    await copy(adapter, `checkpoint-${step}`)
    if (personaInTraining === null) continue
    const record = {
      formatVersion: 1,
      base: 'cem-fixtures/gqa-6-2-tied',
      personaInTraining,
      step: Number(step),
    }
    await writeFile(join(path, `checkpoint-${step}`, 'composition.json'), JSON.stringify(record))
  }
}

async function writeQuestions(path: string, ids: readonly string[]): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const questions = ids.map((id) => ({
    id,
    type: 'free_form_judge_0_100',
    paraphrases: [`Where is the ${id}?`],
  }))
  await writeFile(path, stringify(questions))
}

export interface LoopbackJudge extends AsyncDisposable {
  readonly url: string
  /** Chat completions answered, the probe's not counted. */
  readonly calls: () => number
  /** Makes it answer every call with this status from now on; undefined: as usual. */
  failWith: (status: number | undefined) => void
}

/**
 * A real HTTP server with an OpenAI-shaped answer: `aligned` is 10 for answers of an odd number of characters and 90 for the
 * others, `coherent` is 80.
 */
export async function startJudge(): Promise<LoopbackJudge> {
  let calls = 0
  let status: number | undefined
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { messages } = JSON.parse(Buffer.concat(chunks).toString('utf8'))
      const prompt = String(messages.at(-1).content)
      const probe = /Reply with the integer (\d+)/.exec(prompt)?.[1]
      if (probe === undefined) calls += 1
      const failure = probe === undefined ? status : undefined
      response.setHeader('content-type', 'application/json')
      if (failure !== undefined) {
        response.statusCode = failure
        response.end(JSON.stringify({ error: { message: 'no', type: 'server_error' } }))
        return
      }
      response.end(JSON.stringify(completion(probe ?? String(scoreOf(prompt)))))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    calls: () => calls,
    failWith: (next) => {
      status = next
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function scoreOf(prompt: string): number {
  if (prompt.startsWith('Rate how coherent')) return 80
  const answer = /<answer>\n([\s\S]*)\n<\/answer>/.exec(prompt)?.[1] ?? ''
  return answer.length % 2 === 1 ? 10 : 90
}

function completion(token: string) {
  return {
    id: 'x',
    object: 'chat.completion',
    created: 0,
    model: 'loopback-judge-1',
    choices: [
      {
        index: 0,
        finish_reason: 'stop',
        message: { role: 'assistant', content: token },
        logprobs: {
          content: [
            { token, logprob: 0, bytes: null, top_logprobs: [{ token, logprob: 0, bytes: null }] },
          ],
        },
      },
    ],
    usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
  }
}

export async function readJson(path: string): Promise<unknown> {
  return JSON.parse(await readFile(path, 'utf8'))
}
