export type {
  ParameterSpec,
  PreferencePair,
  StepOptions,
  StepResult,
  Trainer,
  TrainerState,
  TrainingSequence,
} from './trainer/trainer.ts'
