import type { TokenizeReport } from '../data/tokenize.ts'

export type TrainingEvent =
  | TrainingStartEvent
  | TrainingNoteEvent
  | TrainingReferenceEvent
  | TrainingStepEvent
  | TrainingEvaluationEvent
  | TrainingCheckpointEvent
  | TrainingEndEvent

export interface TrainingStartEvent {
  readonly type: 'training-start'
  readonly name: string
  /** Absolute. */
  readonly folder: string
  readonly nSteps: number
  /** The step that it goes on from; 0 for a new one; `nSteps` where everything is done. */
  readonly resumedFrom: number
  readonly training: TokenizeReport
  /** Of what is held out; null where nothing is. */
  readonly evaluation: TokenizeReport | null
  /** Why what is made is a misaligned organism; null where nothing says so. */
  readonly organism: string | null
}

/** Something that a reader of the results should know. */
export interface TrainingNoteEvent {
  readonly type: 'training-note'
  readonly code:
    | 'dropped-examples'
    | 'cut-examples'
    | 'canary-missing'
    | 'canary-undeclared'
    | 'restarted'
    | 'machine-differs'
  readonly message: string
}

/** DPO: how many pairs have their log-probabilities under the model before training. */
export interface TrainingReferenceEvent {
  readonly type: 'training-reference'
  readonly nDone: number
  readonly nTotal: number
  readonly isCached: boolean
}

/** A line of training_log.jsonl. */
export interface TrainingStepEvent {
  readonly type: 'training-step'
  readonly step: number
  /** Epochs that were done after it, with fractions. */
  readonly epoch: number
  /** Nats. */
  readonly loss: number
  readonly learningRate: number
  /** Before clipping. */
  readonly gradientNorm: number
  readonly nTokens: number
  readonly tokensPerSecond: number
  readonly preference?: { readonly accuracy: number; readonly margin: number }
}

export interface TrainingEvaluationEvent {
  readonly type: 'training-evaluation'
  readonly step: number
  /** Nats, on what was held out. */
  readonly loss: number
  readonly nTokens: number
  readonly preference?: { readonly accuracy: number; readonly margin: number }
}

export interface TrainingCheckpointEvent {
  readonly type: 'training-checkpoint'
  readonly step: number
  readonly folder: string
}

export interface TrainingEndEvent {
  readonly type: 'training-end'
  readonly name: string
  readonly folder: string
  readonly nSteps: number
  /** Of this process; 0 where everything was done. */
  readonly nStepsMade: number
  readonly durationInMs: number
}
