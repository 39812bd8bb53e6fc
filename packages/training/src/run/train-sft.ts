import type { TrainingSequence } from '../trainer/trainer.ts'
import { defaultTrainer } from './default-trainer.ts'
import { prepareTraining } from './prepare-training.ts'
import { resolveOptions } from './resolve-options.ts'
import { runTraining } from './run-training.ts'
import { trainerRequest } from './trainer-request.ts'
import type { TrainingEndEvent, TrainingEvent } from './training-events.ts'
import type { TrainingOptions } from './training-options.ts'

/**
 * Supervised fine-tuning of a LoRA adapter, or of a whole small model: the mean negative log-probability of the assistant's tokens
 * (of all tokens of documents). Writes `checkpoint-<step>` folders that PEFT and Transformers load, the final adapter, a log and
 * `training_metadata.json` into the output folder. Called again with the same options it goes on from the last whole checkpoint,
 * to the same weights bit for bit (with the same number of threads on the same machine).
 *
 * @throws CemError `invalid-request`, `data-invalid` and the other errors of the data, `adapter-base-mismatch` and the others of
 *   `compose`, `training-changed`, `output-exists`, `training-not-finite` naming the examples of the batch, `disk-full`,
 *   `file-write-failed`; `signal.reason`
 */
export async function* trainSft(
  options: TrainingOptions,
): AsyncGenerator<TrainingEvent, TrainingEndEvent> {
  const prepared = await prepareTraining(resolveOptions('sft', options))
  const trainer = options.trainer ?? defaultTrainer
  return yield* runTraining<TrainingSequence>(prepared, {
    open: () => trainer.sft(trainerRequest(prepared)),
    // A conversation or a document is one sequence.
    example: ([sequence]) => sequence as TrainingSequence,
    tokensOf: ({ tokens }) => tokens.length,
  })
}
