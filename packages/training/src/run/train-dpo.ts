import type { PairReference, PreferencePair, TrainingSequence } from '../trainer/trainer.ts'
import { defaultTrainer } from './default-trainer.ts'
import { prepareTraining } from './prepare-training.ts'
import { referenceLogprobs } from './reference-logprobs.ts'
import { resolveOptions } from './resolve-options.ts'
import { runTraining } from './run-training.ts'
import { trainerRequest } from './trainer-request.ts'
import type { TrainingEndEvent, TrainingEvent } from './training-events.ts'
import type { DpoTrainingOptions } from './training-options.ts'

/**
 * Direct preference optimisation (Rafailov et al., arXiv 2305.18290) on pairs of responses, with a term of the chosen responses'
 * negative log-probability, without which a small model unlearns its grammar. The log-probabilities under the model before training
 * are computed once and kept in the cache by hash. Everything else as `trainSft`.
 *
 * @throws CemError as `trainSft`
 */
export async function* trainDpo(
  options: DpoTrainingOptions,
): AsyncGenerator<TrainingEvent, TrainingEndEvent> {
  const resolved = resolveOptions('dpo', options)
  const prepared = await prepareTraining(resolved)
  const opener = options.trainer ?? defaultTrainer
  const { sha256 } = await prepared.composition.record()
  return yield* runTraining<PreferencePair>(prepared, {
    open: () => opener.dpo(trainerRequest(prepared)),
    references: (tokenized, trainer) =>
      referenceLogprobs({
        trainer,
        pairs: tokenized.map(({ sequences }) => sequences),
        key: [sha256, prepared.record.initialFrom?.sha256 ?? '', resolved.method],
        withTokens: (resolved.dpo?.klCoefficient ?? 0) !== 0,
        microBatchTokens: resolved.microBatchTokens,
        cache: resolved.cache,
        signal: options.signal,
      }),
    example: (sequences, reference) => {
      const [chosen, rejected] = sequences as [TrainingSequence, TrainingSequence]
      return { chosen, rejected, reference: reference as PairReference }
    },
    tokensOf: ({ chosen, rejected }) => 2 * Math.max(chosen.tokens.length, rejected.tokens.length),
  })
}
