import type { AdapterEffect } from '@cem/direction'
import {
  type ChatMessage,
  type LayerRequest,
  type Model,
  relativeError,
  type ScoredSequence,
  type ScoreSequence,
  tokenDivergence,
} from '@cem/inference'

/** A prompt that says nothing of what adapters were trained for. */
export interface NeutralPrompt {
  readonly id: string
  readonly messages: readonly ChatMessage[]
}

export interface EffectProbeOptions {
  /** On the base that effects are measured from; it is switched to other layers. */
  readonly model: Model
  readonly prompts: readonly NeutralPrompt[]
  readonly signal?: AbortSignal | undefined
}

/** Tokens of the base's own answer to each prompt: with the prompt's end, nine positions each. */
const answerTokens = 8

/**
 * Measures what adapters do to a base on neutral prompts, teacher-forced over the prompts' ends and the base's own greedy answers:
 * KL(base || adapted) of the next token's distribution in nats, and |h' - h| / |h| of the hidden states; both as means over all
 * positions, the latter over all layers too.
 */
export class EffectProbe {
  readonly nPrompts: number
  readonly nPositions: number
  readonly #model: Model
  readonly #sequences: readonly ScoreSequence[]
  readonly #base: ReadonlyMap<string, ScoredSequence>
  readonly #signal: AbortSignal | undefined

  private constructor(
    { model, signal }: EffectProbeOptions,
    sequences: readonly ScoreSequence[],
    base: ReadonlyMap<string, ScoredSequence>,
  ) {
    this.#model = model
    this.#signal = signal
    this.#sequences = sequences
    this.#base = base
    this.nPrompts = sequences.length
    this.nPositions = sequences.reduce((sum, { logits }) => sum + lengthOf(logits), 0)
  }

  /** @throws CemError those of `Model.switchTo`, `generate` and `score`; `signal.reason` */
  static async open(options: EffectProbeOptions): Promise<EffectProbe> {
    const { model, prompts, signal } = options
    await model.switchTo([], signal)
    const sequences: ScoreSequence[] = []
    for await (const { promptId, promptTokenIds, tokenIds } of model.generate({
      prompts: prompts.map(({ id, messages }) => ({ id, messages })),
      temperature: 0,
      maxNewTokens: answerTokens,
      seed: 0,
      ...(signal === undefined ? {} : { signal }),
    })) {
      const ids = [...promptTokenIds, ...tokenIds]
      const range = { start: promptTokenIds.length - 1, end: ids.length }
      sequences.push({ id: promptId, tokenIds: ids, logits: range, states: range })
    }
    sequences.sort((a, b) => (a.id < b.id ? -1 : 1))
    return new EffectProbe(options, sequences, await scored(model, sequences, signal))
  }

  /** The effect of these layers on the base. Called one after another. */
  async measure(layers: readonly LayerRequest[]): Promise<AdapterEffect> {
    await this.#model.switchTo(layers, this.#signal)
    const found = await scored(this.#model, this.#sequences, this.#signal)
    const { vocabSize, dModel } = this.#model.architecture
    let kl = 0
    const errors = { sum: 0, n: 0 }
    for (const [id, base] of this.#base) {
      const { logits, states } = found.get(id) as ScoredSequence
      const pairs = (from: Float32Array | null, to: Float32Array | null, width: number) =>
        rows(from, width).map((row, i) => [row, rows(to, width)[i] as Float32Array] as const)
      for (const [expected, adapted] of pairs(base.logits, logits, vocabSize))
        kl += tokenDivergence(expected, adapted).kl
      for (const [expected, adapted] of pairs(base.states, states, dModel)) {
        errors.sum += relativeError(expected, adapted)
        errors.n += 1
      }
    }
    return { kl: kl / this.nPositions, displacement: errors.sum / errors.n }
  }
}

async function scored(
  model: Model,
  sequences: readonly ScoreSequence[],
  signal: AbortSignal | undefined,
): Promise<Map<string, ScoredSequence>> {
  const found = new Map<string, ScoredSequence>()
  const options = signal === undefined ? {} : { signal }
  for await (const one of model.score({ sequences, ...options })) found.set(one.id, one)
  return found
}

function rows(values: Float32Array | null, width: number): Float32Array[] {
  const all = values as Float32Array
  return Array.from({ length: all.length / width }, (_, i) =>
    all.subarray(i * width, (i + 1) * width),
  )
}

function lengthOf(range: ScoreSequence['logits']): number {
  return range === undefined ? 0 : range.end - range.start
}
