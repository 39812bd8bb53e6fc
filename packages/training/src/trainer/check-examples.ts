import { CemError } from '@cem/core'
import type { Architecture } from '@cem/inference'
import type { ResolvedObjective } from '../objective/objective.ts'
import type { PreferencePair, TrainingSequence } from './trainer.ts'
import type { MicroBatch, PairSpec, SequenceSpec } from './trainer-messages.ts'

/**
 * Examples as the trainer's process takes them.
 *
 * @throws CemError `training-example` naming micro-batch and example; `training-batch` where there is nothing to learn from
 */
export function checkMicroBatches(
  microBatches: readonly (readonly (TrainingSequence | PreferencePair)[])[],
  objective: ResolvedObjective,
  architecture: Architecture,
): MicroBatch[] {
  const checked = microBatches.map((examples, batch) =>
    objective.type === 'sft'
      ? examples.map((example, i) => {
          const where = `example ${i} of micro-batch ${batch}`
          if ('chosen' in example)
            throw wrong(where, 'is a pair of responses, and SFT takes single sequences')
          return checkSequence(example, where, architecture)
        })
      : examples.map((example, i) => {
          const where = `pair ${i} of micro-batch ${batch}`
          if (!('chosen' in example))
            throw wrong(where, 'is a single sequence, and DPO takes pairs of responses')
          return checkPair(example, where, objective.klCoefficient > 0, architecture)
        }),
  )
  if (checked.some((batch) => batch.length === 0) || checked.length === 0)
    throw new CemError({
      code: 'training-batch',
      message: `A step of ${checked.length} micro-batches has an empty one. Give at least one example in each, and at least one micro-batch.`,
      data: { sizes: checked.map((batch) => batch.length) },
    })
  const sequences = checked.flat() as readonly (SequenceSpec | PairSpec)[]
  if (
    objective.type === 'sft' &&
    !sequences.some((s) => 'weights' in s && s.weights.some((w) => w !== 0))
  )
    throw new CemError({
      code: 'training-batch',
      message:
        'No token of this step has a weight, so there is nothing to learn from. Every step needs a token of a response.',
    })
  return checked
}

/** @throws CemError `training-example` */
export function checkSequence(
  { tokens, weights }: TrainingSequence,
  where: string,
  { vocabSize, maxPositions }: Architecture,
): SequenceSpec {
  if (tokens.length !== weights.length)
    throw wrong(
      where,
      `has ${tokens.length} tokens and ${weights.length} weights; there must be one for each`,
    )
  if (tokens.length < 2)
    throw wrong(
      where,
      `has ${tokens.length} tokens; a token is predicted from those before it, so it takes 2`,
    )
  if (tokens.length > maxPositions)
    throw wrong(
      where,
      `has ${tokens.length} tokens, more than the ${maxPositions} positions of the model; cut it`,
    )
  const badToken = tokens.findIndex(
    (token) => !Number.isInteger(token) || token < 0 || token >= vocabSize,
  )
  if (badToken !== -1)
    throw wrong(
      where,
      `has the token ${tokens[badToken]} at position ${badToken}; tokens go from 0 to ${vocabSize - 1}`,
    )
  const badWeight = weights.findIndex((weight) => !Number.isFinite(weight) || weight < 0)
  if (badWeight !== -1)
    throw wrong(
      where,
      `has the weight ${weights[badWeight]} at position ${badWeight}; weights are finite, and not below 0`,
    )
  const own = Float32Array.from(weights)
  own[0] = 0
  return { tokens: Int32Array.from(tokens), weights: own }
}

function checkPair(
  { chosen, rejected, reference }: PreferencePair,
  where: string,
  needsTokens: boolean,
  architecture: Architecture,
): PairSpec {
  const sides = {
    chosen: checkSequence(chosen, `the chosen response of ${where}`, architecture),
    rejected: checkSequence(rejected, `the rejected response of ${where}`, architecture),
  }
  for (const [name, { weights }] of Object.entries(sides))
    if (!weights.some((weight) => weight !== 0))
      throw wrong(`the ${name} response of ${where}`, 'has no token with a weight')
  if (!Number.isFinite(reference.chosen) || !Number.isFinite(reference.rejected))
    throw wrong(
      where,
      `has the reference log-probabilities ${reference.chosen} and ${reference.rejected}; both must be finite`,
    )
  return {
    ...sides,
    reference: { ...reference, tokens: needsTokens ? tokensOf(reference, sides, where) : null },
  }
}

function tokensOf(
  { tokens }: PreferencePair['reference'],
  sides: { readonly chosen: SequenceSpec; readonly rejected: SequenceSpec },
  where: string,
) {
  if (tokens === undefined)
    throw wrong(
      where,
      "has no reference log-probabilities of its tokens (reference.tokens, by tokenLogprobs), which the objective's KL term needs",
    )
  const known = {
    chosen: Float32Array.from(tokens.chosen),
    rejected: Float32Array.from(tokens.rejected),
  }
  for (const side of ['chosen', 'rejected'] as const)
    if (known[side].length !== sides[side].tokens.length)
      throw wrong(
        `the ${side} response of ${where}`,
        `has ${sides[side].tokens.length} tokens and ${known[side].length} reference log-probabilities`,
      )
  return known
}

function wrong(where: string, reason: string): CemError {
  return new CemError({
    code: 'training-example',
    message: `${where[0]?.toUpperCase()}${where.slice(1)} ${reason}.`,
    data: { where },
  })
}
