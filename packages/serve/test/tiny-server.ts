import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { OpenAI } from 'openai'
import {
  type AdapterRequest,
  type RunningServer,
  type ServerOptions,
  startServer,
} from '../src/index.ts'

const fixtures = fileURLToPath(new URL('../../inference/fixtures', import.meta.url))

export const modelFolder = join(fixtures, 'gqa-6-2-tied/model')
export const adapterFolder = (name: string) => join(fixtures, 'gqa-6-2-tied/adapters', name)

/** What Transformers and PEFT answer; see packages/miniature/origin/golden/conversations.py. */
export interface GoldenAnswer {
  readonly adapters: readonly string[]
  readonly title: string
  readonly messages: readonly {
    readonly role: 'system' | 'user' | 'assistant'
    readonly content: string
  }[]
  readonly promptIds: readonly number[]
  /** Greedy, stop tokens do not stop it. */
  readonly answerIds: readonly number[]
  readonly text: string
  readonly logprobs: readonly number[]
  /** Of the first three places. */
  readonly topIds: readonly (readonly number[])[]
  readonly topLogprobs: readonly (readonly number[])[]
  readonly promptLogprobs: readonly number[]
}

export const golden = JSON.parse(readFileSync(join(fixtures, 'conversations.json'), 'utf8')) as {
  readonly answers: readonly GoldenAnswer[]
  readonly tokenBytes: { readonly byteLevel: readonly string[] }
  readonly judged: readonly {
    readonly answer: string
    readonly mass: number
    readonly score: number | null
  }[]
  readonly unfinished: readonly {
    readonly model: string
    readonly title: string
    readonly messages: GoldenAnswer['messages']
    readonly text?: string
    readonly ids?: readonly number[]
    readonly answerIds?: readonly number[]
  }[]
}

/** The bytes of tokens as Python has them. */
export const bytesOf = (ids: readonly number[]) =>
  ids.map((id) => [...Buffer.from(golden.tokenBytes.byteLevel[id] as string, 'hex')])

/** Names that the tests' server gives to the compositions of the golden answers. */
export const nameOf = (adapters: readonly string[]) =>
  ({ '': 'model', plain: 'plain', 'plain+rslora': 'misaligned-organism-both' })[
    adapters.join('+')
  ] as string

const adapters: readonly AdapterRequest[] = [
  { name: 'plain', layers: [{ adapter: adapterFolder('plain') }] },
  {
    name: 'both',
    layers: [{ adapter: adapterFolder('plain') }, { adapter: adapterFolder('rslora') }],
  },
]

export interface TinyServer extends AsyncDisposable {
  readonly server: RunningServer
  readonly client: OpenAI
  readonly log: string[]
}

export async function startTinyServer(options: Partial<ServerOptions> = {}): Promise<TinyServer> {
  const cache = await mkdtemp(join(tmpdir(), 'cem-serve-'))
  const log: string[] = []
  const server = await startServer({
    base: modelFolder,
    baseAliases: ['cem-fixtures/gqa-6-2-tied'],
    adapters,
    port: 0,
    cache,
    onLog: (line) => log.push(line),
    ...options,
  })
  const client = new OpenAI({
    baseURL: server.url,
    apiKey: options.apiKey ?? 'none',
    maxRetries: 0,
    logLevel: 'off',
  })
  return {
    server,
    client,
    log,
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]()
      await rm(cache, { recursive: true, force: true })
    },
  }
}
