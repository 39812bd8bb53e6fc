import type { TokenizedExample } from '../data/tokenize.ts'
import type {
  PairReference,
  PreferencePair,
  Trainer,
  TrainingSequence,
} from '../trainer/trainer.ts'
import type { TrainingReferenceEvent } from './training-events.ts'

/** What differs between objectives. */
export interface TrainingParts<E extends TrainingSequence | PreferencePair> {
  readonly open: () => Promise<Trainer<E>>
  /** What is computed under the model before training. `trainer` opens it. @default nothing */
  readonly references?: (
    tokenized: readonly TokenizedExample[],
    trainer: () => Promise<Trainer<E>>,
  ) => AsyncGenerator<TrainingReferenceEvent, readonly PairReference[]>
  /** The trainer's example of an example's sequences. */
  readonly example: (
    sequences: readonly TrainingSequence[],
    reference: PairReference | undefined,
  ) => E
  /** Tokens of an example that padding brings to the longest of its micro-batch. */
  readonly tokensOf: (example: E) => number
}
