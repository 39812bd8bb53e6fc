import { CemError } from '@cem/core'
import type { TrainerOpener } from './trainer-request.ts'

/** Computes on ONNX Runtime in a process of its own. */
export const defaultTrainer: TrainerOpener = {
  sft: async () => {
    throw missing()
  },
  dpo: async () => {
    throw missing()
  },
}

function missing(): CemError {
  return new CemError({ code: 'trainer-missing', message: 'Give a trainer.' })
}
