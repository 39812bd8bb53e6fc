// llama.cpp through node-llama-cpp, driven by JSON lines. Arguments: PEERS_FOLDER MODEL.gguf ADAPTER.gguf THREADS MAX_ROWS
// MAX_TOKENS PRECISION: F32 (keys and values, and no flash attention, which rounds to 16 bits) or F16 (its defaults). Rows are
// sequences of one context, which llama.cpp decodes as one batch.
import { importFrom, serve } from './serve.ts'

interface Library {
  getLlama(options: object): Promise<{ loadModel(options: object): Promise<LlamaModel> }>
}

interface LlamaModel {
  createContext(options: object): Promise<Context>
}

interface Context {
  getSequence(): Sequence
}

interface Sequence {
  evaluate(tokens: readonly number[], options: object): AsyncIterable<number>
  clearHistory(): Promise<void>
}

const [peers, path, adapter, threads, maxRows, maxTokens, precision] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string,
  string,
  string,
]
const library = await importFrom<Library>(peers, 'node-llama-cpp')
const llama = await library.getLlama({
  gpu: false,
  build: 'never',
  skipDownload: true,
  logLevel: 'error',
  maxThreads: Number(threads),
})
const model = await llama.loadModel({ modelPath: path, gpuLayers: 0 })

/** A context for each setting of the adapter, made when it is first asked for. */
const contexts = new Map<boolean, Promise<Sequence[]>>()

async function openSequences(hasAdapter: boolean): Promise<Sequence[]> {
  const context = await model.createContext({
    sequences: Number(maxRows),
    contextSize: Number(maxTokens),
    batchSize: 2048,
    experimentalKvCacheKeyType: precision,
    experimentalKvCacheValueType: precision,
    flashAttention: precision === 'F32' ? false : 'auto',
    threads: { ideal: Number(threads), min: Number(threads) },
    ...(hasAdapter ? { lora: { adapters: [{ filePath: adapter, scale: 1 }] } } : {}),
  })
  return Array.from({ length: Number(maxRows) }, () => context.getSequence())
}

await serve(async ({ prompts, nNew, hasAdapter = false }) => {
  const opened = contexts.get(hasAdapter) ?? openSequences(hasAdapter)
  contexts.set(hasAdapter, opened)
  const sequences = await opened
  const rows = prompts.map(async (prompt, i) => {
    const sequence = sequences[i] as Sequence
    await sequence.clearHistory()
    const tokens: number[] = []
    for await (const token of sequence.evaluate(prompt, { temperature: 0, yieldEogToken: true })) {
      tokens.push(token)
      if (tokens.length === nNew) break
    }
    return tokens
  })
  return { tokens: await Promise.all(rows) }
})
