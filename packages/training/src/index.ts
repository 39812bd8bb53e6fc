export { type InitialWeight, initialWeights } from './adapters/initial-weights.ts'
export { type LoraMethod, loraModules, peftConfig } from './adapters/lora-method.ts'
export type { DpoObjective, Objective, SftObjective } from './objective/objective.ts'
export type { AdamWOptions } from './trainer/adamw.ts'
export {
  estimateTrainingMemory,
  type TrainingMemoryEstimate,
  type TrainingMemoryRequest,
} from './trainer/estimate-memory.ts'
export { OpenedTrainer, openTrainer } from './trainer/open-trainer.ts'
export type { ExampleOf, FullMethod, Method, OpenTrainerOptions } from './trainer/options.ts'
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
