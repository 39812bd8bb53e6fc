import { loadModel } from '../../packages/inference/dist/index.js'
import { timed } from '../numbers.ts'
import type { Contestant, Generation } from './contestant.ts'

export interface OurEngineOptions {
  readonly base: string
  readonly adapter: string
  readonly cache: string
  readonly threads: number
}

export interface OurEngine extends Contestant {
  /** Tokens and mean states [nLayers, dModel] of each row. */
  readonly capture: (request: Generation) => Promise<{ tokens: number[][]; means: Float32Array[] }>
}

/** The engine that is measured: what it captures, it captures while it generates. */
export async function openOurEngine(options: OurEngineOptions): Promise<OurEngine> {
  const { base, adapter, cache, threads } = options
  const model = await loadModel({ base, cache, threads })
  const run = async ({ prompts, nNew, temperature }: Generation, isCaptured: boolean) => {
    const rows: { tokens: number[]; means: Float32Array }[] = []
    // The same prompt again is another sample of it, which is what it costs in an experiment.
    const places = groupRows(prompts)
    const answers = model.generate({
      prompts: [...places].map(([key, indices]) => ({
        id: key,
        tokenIds: prompts[indices[0] as number] as readonly number[],
        samples: indices.length,
      })),
      seed: 0,
      temperature,
      maxNewTokens: nNew,
      stopTokenIds: [],
      batchSize: prompts.length,
      ...(isCaptured ? { capture: {} } : {}),
    })
    for await (const { promptId, sample, tokenIds, activations } of answers) {
      const row = places.get(promptId)?.[sample] as number
      rows[row] = {
        tokens: [...tokenIds],
        means: activations?.content ?? new Float32Array(0),
      }
    }
    return {
      tokens: rows.map(({ tokens }) => tokens),
      means: rows.map(({ means }) => means),
    }
  }
  return {
    name: '@cem/inference',
    isExact: true,
    canAdapt: true,
    decoding: 'sampled',
    prepare: async (hasAdapter) => {
      await model.switchTo(hasAdapter ? [{ role: 'em', mode: 'stacked', adapter }] : [])
    },
    generate: async (request) => (await run(request, false)).tokens,
    experiment: async (request) => {
      const { ms, value } = await timed(() => run(request, true))
      return { tokens: value.tokens, generateMs: ms, extractMs: null }
    },
    capture: (request) => run(request, true),
    [Symbol.asyncDispose]: () => model[Symbol.asyncDispose](),
  }
}

function groupRows(prompts: readonly (readonly number[])[]): Map<string, number[]> {
  const places = new Map<string, number[]>()
  for (const [row, prompt] of prompts.entries()) {
    const key = prompt.join(' ')
    places.set(key, [...(places.get(key) ?? []), row])
  }
  return places
}
