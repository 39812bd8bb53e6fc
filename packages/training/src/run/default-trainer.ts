import { type Composition, openAdapter } from '@cem/inference'
import { loraMethod } from '../checkpoints/adapter-config.ts'
import { openTrainer } from '../trainer/open-trainer.ts'
import type { Method, OpenTrainerOptions } from '../trainer/options.ts'
import type { TrainerOpener, TrainerRequest } from './trainer-request.ts'

/** Computes on ONNX Runtime in a process of its own. */
export const defaultTrainer: TrainerOpener = {
  sft: async (request) =>
    openTrainer({ ...(await sharedOptions(request)), objective: { type: 'sft' } }),
  dpo: async (request) => {
    const { kind: _, ...coefficients } = request.objective
    return openTrainer({
      ...(await sharedOptions(request)),
      objective: { type: 'dpo', ...coefficients },
    })
  },
}

async function sharedOptions(
  request: TrainerRequest,
): Promise<Omit<OpenTrainerOptions, 'objective'>> {
  const { composition, optimizer, seed, recompute, threads, cache, signal } = request
  const { betas, ...others } = optimizer
  return {
    composition,
    method: await methodOf(request, composition),
    optimizer: { beta1: betas[0], beta2: betas[1], ...others },
    seed,
    cache,
    ...(recompute !== undefined && { recompute }),
    ...(threads !== undefined && { threads }),
    ...(signal && { signal }),
  }
}

async function methodOf(
  { method, lora, initialFrom, cache, signal }: TrainerRequest,
  { base }: Composition,
): Promise<Method> {
  if (method === 'full') return { type: 'full' }
  if (initialFrom === undefined) return loraMethod(lora)
  const adapter = await openAdapter(initialFrom, base.architecture, { cache, signal })
  return { ...loraMethod(lora), initialFrom: adapter }
}
