import { CemError } from '@cem/core'
import type { Model } from '../model.ts'
import type { ScoredSequence } from '../model-api.ts'
import type { Precision } from '../precision/precision.ts'
import { quantile, relativeError, type TokenDivergence, tokenDivergence } from './divergence.ts'
import { type DriftSequence, driftSequences } from './drift-sequences.ts'

export interface MeasureDriftOptions {
  /** A model in 32-bit floats. */
  readonly reference: Model
  /** The same composition in another precision. */
  readonly model: Model
  /** @default eight fixed texts, 48 tokens of each */
  readonly sequences?: readonly DriftSequence[] | undefined
  readonly signal?: AbortSignal | undefined
}

/** How far a model in another precision lies from the same in 32-bit floats. */
export interface DriftReport {
  readonly precision: Precision
  /** SHA-256 of the compositions' records. */
  readonly composition: string
  readonly reference: string
  readonly nSequences: number
  readonly nPositions: number
  /** KL(reference || model) of the next token's distributions, in nats, over all positions. */
  readonly kl: { readonly mean: number; readonly p95: number; readonly max: number }
  /** Share of positions whose likeliest next token is the same. */
  readonly sameTopShare: number
  /** Output of each block: |model - reference| / |reference| of a position's state. */
  readonly layers: readonly {
    readonly layer: number
    readonly meanError: number
    readonly maxError: number
  }[]
}

/**
 * Measures what a precision does to a composition: both models run the same tokens (teacher forcing), one sequence at a time.
 *
 * @throws CemError `composition-invalid` where the two differ in more than precision, `invalid-request` where there is nothing
 *   to measure on, and those of `Model.score`; `signal.reason`
 */
export async function measureDrift({
  reference,
  model,
  sequences = driftSequences(model.tokenizer),
  signal,
}: MeasureDriftOptions): Promise<DriftReport> {
  const hashes = await checkPair(reference, model)
  const tokens: TokenDivergence[] = []
  const errors = Array.from({ length: model.architecture.nLayers }, (): number[] => [])
  for (const sequence of sequences) {
    const expected = await readAll(reference, sequence, signal)
    const found = await readAll(model, sequence, signal)
    tokens.push(...divergences(expected, found, model.architecture.vocabSize))
    addErrors(errors, expected, found, model.architecture.dModel)
  }
  if (tokens.length === 0)
    throw new CemError({
      code: 'invalid-request',
      message: 'Drift is measured on given tokens, and there are none: give at least one sequence.',
    })
  const kl = tokens.map((token) => token.kl)
  return {
    precision: model.composition.precision,
    ...hashes,
    nSequences: sequences.length,
    nPositions: tokens.length,
    kl: { mean: mean(kl), p95: quantile(kl, 0.95), max: quantile(kl, 1) },
    sameTopShare: mean(tokens.map((token) => (token.hasSameTop ? 1 : 0))),
    layers: errors.map((values, layer) => ({
      layer,
      meanError: mean(values),
      maxError: quantile(values, 1),
    })),
  }
}

async function checkPair(reference: Model, model: Model) {
  const [a, b] = [await reference.composition.record(), await model.composition.record()]
  const layersOf = ({ layers }: typeof a) =>
    layers
      .filter(({ mode }) => mode !== 'off')
      .map(({ mode, sha256, configSha256 }) => [mode, sha256, configSha256])
  const same = (x: typeof a) => JSON.stringify([x.base.files.map((f) => f.sha256), layersOf(x)])
  if (a.precision !== 'f32' || same(a) !== same(b))
    throw new CemError({
      code: 'composition-invalid',
      message: `Drift compares a composition with itself in 32-bit floats. The reference is ${a.base.name} with ${layersOf(a).length} layers in ${a.precision}, the model ${b.base.name} with ${layersOf(b).length} in ${b.precision}; their weights and adapters must be the same files.`,
      data: { reference: a.sha256, model: b.sha256 },
    })
  return { composition: b.sha256, reference: a.sha256 }
}

async function readAll(
  model: Model,
  { id, tokenIds }: DriftSequence,
  signal: AbortSignal | undefined,
): Promise<ScoredSequence> {
  const all = { start: 0, end: tokenIds.length }
  const sequence = { id, tokenIds, logits: all, states: all }
  const options = signal === undefined ? {} : { signal }
  for await (const scored of model.score({ sequences: [sequence], ...options })) return scored
  throw new CemError({ code: 'engine-failed', message: `The sequence '${id}' was not scored.` })
}

function divergences(a: ScoredSequence, b: ScoredSequence, vocabSize: number): TokenDivergence[] {
  const [expected, found] = [a.logits as Float32Array, b.logits as Float32Array]
  const row = (logits: Float32Array, i: number) =>
    logits.subarray(i * vocabSize, (i + 1) * vocabSize)
  return Array.from({ length: expected.length / vocabSize }, (_, i) =>
    tokenDivergence(row(expected, i), row(found, i)),
  )
}

/** Adds each position's error to its layer; states are [positions, nLayers, dModel]. */
function addErrors(
  errors: readonly number[][],
  a: ScoredSequence,
  b: ScoredSequence,
  dModel: number,
): void {
  const [expected, found] = [a.states as Float32Array, b.states as Float32Array]
  for (let start = 0, i = 0; start < expected.length; start += dModel, i++)
    errors[i % errors.length]?.push(
      relativeError(
        expected.subarray(start, start + dModel),
        found.subarray(start, start + dModel),
      ),
    )
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
