export type {
  PairReference,
  ParameterSpec,
  PreferencePair,
  StepOptions,
  StepResult,
  Trainer,
  TrainerState,
  TrainingSequence,
} from './trainer/trainer.ts'
