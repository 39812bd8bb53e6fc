export * from './character/index.ts'
export * from './reflection/index.ts'
export type {
  ParameterSpec,
  PreferencePair,
  StepOptions,
  StepResult,
  Trainer,
  TrainerState,
  TrainingSequence,
} from './trainer/trainer.ts'
