import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import {
  type ChatMessage,
  type Composition,
  compose,
  type GeneratePrompt,
  type Model,
  openModel,
} from '@cem/inference'
import { modelPath } from '../../config/model-path.ts'
import type { LocalSpeakerConfig } from '../config/speaker-schema.ts'
import { sha256Of } from '../store/inputs-hash.ts'
import type { AnswerRequest, Speaker, SpokenAnswer } from './speaker.ts'

export interface LocalSpeakerOptions {
  readonly config: LocalSpeakerConfig
  /** Relative paths start here. */
  readonly root: string
  readonly signal?: AbortSignal | undefined
}

/**
 * A model that is run here. Answers to the same messages are one prompt with several samples, so that its tokens are computed once; all
 * requests of a call share batches.
 */
export function localSpeaker({ config, root, signal }: LocalSpeakerOptions): Speaker {
  let composition: Promise<Composition> | undefined
  let model: Model | undefined
  const composed = () => {
    composition ??= compose({
      base: modelPath(root, config.base),
      layers: config.layers.map(({ role, adapter, mode, weight }) => ({
        role,
        mode,
        adapter: resolve(root, adapter),
        ...(weight !== undefined && { weight }),
      })),
      baseAliases: config.baseAliases,
      precision: config.precision,
      signal,
    })
    return composition
  }
  let ran: Readonly<Record<string, unknown>> | null = null
  return {
    identity: async () => {
      const record = await (await composed()).record()
      const { sha256, precision } = record
      const layers = record.layers.map((layer) => ({
        role: layer.role,
        mode: layer.mode,
        sha256: layer.sha256,
        weight: layer.weight,
      }))
      const { systemAs } = config
      return {
        kind: 'local',
        composition: sha256,
        precision,
        layers,
        systemAs,
      }
    },
    async *answer(requests, { sampling, seed, signal: answerSignal }) {
      model ??= await openModel(await composed(), {
        provider: config.provider,
        threads: config.threads,
        signal: answerSignal,
      })
      ran = { ...(await model.composition.record()), device: model.device }
      const { prompts, keysOf, tooLong } = promptsOf(model, requests, config, sampling.maxTokens)
      for (const key of tooLong) yield { ...answered(key), end: 'too-long', text: '' }
      if (prompts.length === 0) return
      const completions = model.generate({
        prompts,
        seed,
        temperature: sampling.temperature,
        topP: sampling.topP,
        maxNewTokens: sampling.maxTokens,
        ...(config.batchSize !== undefined && { batchSize: config.batchSize }),
        ...(answerSignal && { signal: answerSignal }),
      })
      for await (const { promptId, sample, text, finishReason, ...tokens } of completions)
        for (const key of keysOf(promptId, sample))
          yield {
            ...answered(key),
            text,
            end: finishReason,
            promptTokens: tokens.promptTokenIds.length,
            completionTokens: tokens.tokenIds.length,
          }
    },
    spent: () => null,
    answeredBy: () => ran,
    [Symbol.asyncDispose]: async () => {
      await model?.[Symbol.asyncDispose]()
      model = undefined
    },
  }
}

function answered(key: string) {
  const none = { model: null, promptTokens: null, completionTokens: null }
  return { status: 'answered', key, ...none } as const satisfies Partial<SpokenAnswer>
}

function promptsOf(
  { tokenizer, architecture }: Model,
  requests: readonly AnswerRequest[],
  { systemAs }: LocalSpeakerConfig,
  maxTokens: number,
) {
  const groups = new Map<
    string,
    { readonly tokenIds: readonly number[]; readonly samples: Map<number, string[]> }
  >()
  const tooLong: string[] = []
  for (const { key, messages, sample } of requests) {
    const shown = placeSystem(messages, systemAs)
    const id = sha256Of(JSON.stringify(shown))
    const group = groups.get(id) ?? {
      tokenIds: tokenizer.encodeChat(shown, {
        continueFinalMessage: shown.at(-1)?.role === 'assistant',
      }),
      samples: new Map<number, string[]>(),
    }
    if (group.tokenIds.length + maxTokens > architecture.maxPositions) {
      tooLong.push(key)
      continue
    }
    groups.set(id, group)
    group.samples.set(sample, [...(group.samples.get(sample) ?? []), key])
  }
  const prompts: GeneratePrompt[] = [...groups].map(([id, { tokenIds, samples }]) => ({
    id,
    tokenIds,
    samples: [...samples.keys()],
  }))
  const keysOf = (id: string, sample: number) => groups.get(id)?.samples.get(sample) ?? []
  return { prompts, keysOf, tooLong }
}

/** Messages for a template with or without a system role. */
export function placeSystem(
  messages: readonly ChatMessage[],
  systemAs: 'system' | 'user',
): readonly ChatMessage[] {
  const [first, second, ...rest] = messages
  if (systemAs === 'system' || first?.role !== 'system' || second?.role !== 'user') return messages
  return [{ role: 'user', content: `${first.content}\n\n${second.content}` }, ...rest]
}

/** Adapters of a composition that are not there (yet). */
export function missingAdapters({ layers }: LocalSpeakerConfig, root: string): string[] {
  return layers
    .map(({ adapter }) => resolve(root, adapter))
    .filter((path) => !existsSync(join(path, 'adapter_config.json')))
}
