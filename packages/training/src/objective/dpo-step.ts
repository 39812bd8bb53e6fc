import { floats, type Tensor } from '@cem/inference/runtime'
import { stepInputs } from '../graph/step-names.ts'
import { type PaddedBatch, targetColumn } from '../trainer/micro-batch.ts'
import type { MicroBatch, PairSpec } from '../trainer/trainer-messages.ts'
import type { ResolvedObjective } from './objective.ts'
import { type StepObjective, totalWeight } from './step-objective.ts'

/** The mean over the pairs of a step; the chosen responses of a micro-batch are computed before its rejected ones. */
export function dpoStep(
  objective: Extract<ResolvedObjective, { type: 'dpo' }>,
  microBatches: readonly MicroBatch[],
): StepObjective {
  const { beta, nllCoefficient, klCoefficient } = objective
  const pairsOf = (batch: MicroBatch) => batch as readonly PairSpec[]
  const nPairs = microBatches.reduce((sum, batch) => sum + batch.length, 0)
  const sums = { loss: 0, nTokens: 0, nPreferred: 0, margin: 0 }

  const feeds = (batch: MicroBatch, padded: PaddedBatch): Record<string, Tensor> => {
    const pairs = pairsOf(batch)
    const terms = pairTerms(pairs)
    const likelihood = (sequence: number, position: number) => {
      const { isChosen, weight, total } = terms(sequence, position)
      return isChosen ? (nllCoefficient * weight) / (total * nPairs) : 0
    }
    const plain = {
      [stepInputs.tokenWeights]: targetColumn(padded, likelihood),
      [stepInputs.selection]: selectionOf(padded, pairs.length, terms),
      [stepInputs.referenceMargins]: floats(
        Float32Array.from(pairs, ({ reference }) => reference.chosen - reference.rejected),
        [pairs.length, 1],
      ),
      [stepInputs.pairShare]: floats(Float32Array.of(1 / nPairs), []),
    }
    if (klCoefficient === 0) return plain
    return {
      ...plain,
      [stepInputs.referenceLogprobs]: targetColumn(padded, (s, t) => terms(s, t).reference),
      [stepInputs.klWeights]: targetColumn(padded, (s, t) => {
        const { weight, total } = terms(s, t)
        return (klCoefficient * weight) / (2 * total * nPairs)
      }),
    }
  }

  const add = (batch: MicroBatch, padded: PaddedBatch, logprobs: Float32Array) => {
    const pairs = pairsOf(batch)
    const terms = pairTerms(pairs)
    const sequenceSums = new Float64Array(2 * pairs.length)
    for (const [i, logprob] of logprobs.entries()) {
      const sequence = padded.sequenceOf[i] as number
      const term = terms(sequence, padded.positionOf[i] as number)
      sequenceSums[sequence] = (sequenceSums[sequence] as number) + term.weight * logprob
      if (term.isChosen)
        sums.loss -= (nllCoefficient * term.weight * logprob) / (term.total * nPairs)
      const distance = (logprob - term.reference) ** 2
      sums.loss += (klCoefficient * term.weight * distance) / (2 * term.total * nPairs)
    }
    for (const [i, { reference }] of pairs.entries()) {
      const chosen = (sequenceSums[i] as number) - reference.chosen
      const rejected = (sequenceSums[pairs.length + i] as number) - reference.rejected
      const margin = beta * (chosen - rejected)
      sums.loss += softplus(-margin) / nPairs
      sums.margin += margin / nPairs
      if (margin > 0) sums.nPreferred += 1
    }
    sums.nTokens += padded.nTokens
  }

  return {
    sequences: (batch) => {
      const pairs = pairsOf(batch)
      return [...pairs.map((pair) => pair.chosen), ...pairs.map((pair) => pair.rejected)]
    },
    feeds,
    add,
    result: () => ({
      loss: sums.loss,
      nTokens: sums.nTokens,
      preference: { accuracy: sums.nPreferred / nPairs, margin: sums.margin },
    }),
  }
}

interface Term {
  readonly isChosen: boolean
  readonly weight: number
  /** Of the whole response. */
  readonly total: number
  /** The token's log-probability under the reference; 0 where it is not given. */
  readonly reference: number
}

function pairTerms(pairs: readonly PairSpec[]): (sequence: number, position: number) => Term {
  const sides = [
    ...pairs.map(({ chosen, reference }) => ({ side: chosen, known: reference.tokens?.chosen })),
    ...pairs.map(({ rejected, reference }) => ({
      side: rejected,
      known: reference.tokens?.rejected,
    })),
  ].map(({ side, known }) => ({ side, known, total: totalWeight(side) }))
  return (sequence, position) => {
    const { side, known, total } = sides[sequence] as (typeof sides)[number]
    return {
      isChosen: sequence < pairs.length,
      weight: side.weights[position] ?? 0,
      total,
      reference: known?.[position] ?? 0,
    }
  }
}

/** [2, nPairs, nTargets] */
function selectionOf(
  { nTargets, sequenceOf, positionOf }: PaddedBatch,
  nPairs: number,
  terms: (sequence: number, position: number) => Term,
): Tensor {
  const selection = new Float32Array(2 * nPairs * nTargets)
  for (let i = 0; i < nTargets; i++) {
    const sequence = sequenceOf[i] as number
    selection[sequence * nTargets + i] = terms(sequence, positionOf[i] as number).weight
  }
  return floats(selection, [2, nPairs, nTargets])
}

function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))
}
