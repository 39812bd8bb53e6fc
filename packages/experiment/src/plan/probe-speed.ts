import { availableParallelism } from 'node:os'
import { loadModel } from '@cem/inference'
import type { LoadedConfig } from '../config/load-config.ts'
import type { PlannedSpeed } from './plan-time.ts'
import { promptsOf, type QuestionSet } from './question-sets.ts'

export interface ProbeSpeedOptions {
  readonly loaded: LoadedConfig
  readonly sets: readonly QuestionSet[]
  readonly base: string | undefined
  readonly cache?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/** Answers of the probe: a batch as the run has it at most, and as long as this. */
const mostAnswers = 64
const mostTokens = 32

/**
 * Measures how many tokens a second the base gives here, in one batch without adapters. Those make a run slower by some, and long
 * answers do: the keys and values of 32 tokens are few.
 *
 * @throws CemError those of `loadModel` and `Model.generate`
 */
export async function probeSpeed(options: ProbeSpeedOptions): Promise<PlannedSpeed | undefined> {
  const { loaded, sets, base, cache, signal } = options
  if (base === undefined) return undefined
  const { sampling, engine, precision, executor, baseAliases } = loaded.config
  await using model = await loadModel({
    base,
    baseAliases,
    precision,
    provider: engine.provider,
    ...(executor.threads === undefined ? {} : { threads: executor.threads }),
    ...(cache === undefined ? {} : { cache }),
    ...(signal === undefined ? {} : { signal }),
  })
  const wanted = Math.min(sampling.batchSize ?? mostAnswers, mostAnswers)
  const prompts = sets
    .flatMap((set) => promptsOf(set, sampling.samplesPerQuestion))
    .slice(0, wanted)
  const samples = Math.ceil(wanted / Math.max(1, prompts.length))
  let nTokens = 0
  const start = performance.now()
  for await (const { tokenIds } of model.generate({
    prompts: prompts.map(({ id, paraphrase, messages }) => ({ id, paraphrase, messages, samples })),
    temperature: sampling.temperature,
    maxNewTokens: Math.min(sampling.maxNewTokens, mostTokens),
    seed: sampling.seed,
    batchSize: wanted,
    ...(signal === undefined ? {} : { signal }),
  }))
    nTokens += tokenIds.length
  const seconds = (performance.now() - start) / 1000
  if (nTokens === 0) return undefined
  const perSecond = nTokens / seconds
  return {
    perSecond,
    source: `${perSecond.toPrecision(3)} tokens/s, a probe of ${nTokens} tokens of the base on ${model.device.name} (${availableParallelism()} threads), without adapters`,
  }
}
