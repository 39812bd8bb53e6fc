import { fileURLToPath } from 'node:url'
import { timed } from '../numbers.ts'
import type { Contestant, Generation } from './contestant.ts'
import { PeerProcess } from './peer-process.ts'
import { peersPython } from './peers-folder.ts'

export interface TransformersOptions {
  readonly model: string
  readonly adapter: string
  readonly dtype: 'float32' | 'bfloat16'
  readonly threads: number
}

export interface Transformers extends Contestant {
  /** Mean outputs of every block over what follows the prompt, a row for each sequence: the pipelines' second pass. */
  readonly extract: (
    sequences: readonly (readonly number[])[],
    nPrompt: number,
    options: { readonly hasAdapter: boolean; readonly isLean?: boolean },
  ) => Promise<number>
  /** As `extract`, and gives the means, [row][layer][dModel]; the last layer's are taken after the final norm. */
  readonly means: (
    sequences: readonly (readonly number[])[],
    nPrompt: number,
    hasAdapter: boolean,
  ) => Promise<number[][][]>
}

/** Transformers with PEFT on PyTorch's CPU, the adapter unmerged. */
export async function openTransformers(options: TransformersOptions): Promise<Transformers> {
  const { model, adapter, dtype, threads } = options
  const script = fileURLToPath(new URL('./transformers_peer.py', import.meta.url))
  const peer = await PeerProcess.open(
    peersPython(),
    [script, model, adapter, dtype, String(threads)],
    { HF_HUB_OFFLINE: '1', OMP_NUM_THREADS: String(threads) },
  )
  const generate = async (request: Generation) =>
    (await peer.call<{ tokens: number[][] }>({ op: 'generate', ...request })).tokens
  const extract: Transformers['extract'] = async (sequences, nPrompt, settings) =>
    (await peer.call<{ nRows: number }>({ op: 'extract', sequences, nPrompt, ...settings })).nRows
  return {
    name: `Transformers ${dtype}`,
    isExact: dtype === 'float32',
    canAdapt: true,
    decoding: 'sampled',
    // Each request says whether the adapter is on.
    prepare: async () => undefined,
    generate,
    extract,
    means: async (sequences, nPrompt, hasAdapter) =>
      (
        await peer.call<{ means: number[][][] }>({
          op: 'extract',
          sequences,
          nPrompt,
          hasAdapter,
          wantsMeans: true,
        })
      ).means,
    experiment: async (request) => {
      const { prompts, hasAdapter } = request
      const generated = await timed(() => generate(request))
      const sequences = prompts.map((prompt, i) => [...prompt, ...(generated.value[i] ?? [])])
      const nPrompt = prompts[0]?.length ?? 0
      const extracted = await timed(() => extract(sequences, nPrompt, { hasAdapter }))
      return { tokens: generated.value, generateMs: generated.ms, extractMs: extracted.ms }
    },
    [Symbol.asyncDispose]: () => peer[Symbol.asyncDispose](),
  }
}
