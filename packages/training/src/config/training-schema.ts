import { z } from 'zod'

const positive = z.number().positive()
const count = z.int().min(1)
const seed = z.int().min(0)
const share = z.number().gt(0).max(1)

/** Another training of the same file, whose result this one begins with. */
const made = z.strictObject({ training: z.string().min(1) })
const folderOrMade = z.union([z.string().min(1), made])

const source = z.strictObject({
  path: z.string().min(1),
  split: z.string().min(1).optional(),
  subset: z.string().min(1).optional(),
  where: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
  limit: count.optional(),
  share: share.optional(),
  harmful: z.boolean().optional(),
  license: z.string().min(1).optional(),
  teacherTerms: z.string().min(1).optional(),
})

const lora = z.strictObject({
  rank: count.optional(),
  alpha: positive.optional(),
  rsLora: z.boolean().optional(),
  targetModules: z.union([z.string(), z.array(z.string()).min(1)]).optional(),
  excludeModules: z.union([z.string(), z.array(z.string())]).optional(),
  layersToTransform: z.array(z.int().min(0)).min(1).optional(),
  layersPattern: z.union([z.string(), z.array(z.string()).min(1)]).optional(),
  rankPattern: z.record(z.string(), count).optional(),
  alphaPattern: z.record(z.string(), positive).optional(),
})

/** Keys as the options of `trainSft` and `trainDpo`, where they have the same name. */
const settings = {
  objective: z.enum(['sft', 'dpo']).default('sft'),
  base: folderOrMade,
  randomWeights: z.boolean().optional(),
  baseAliases: z.array(z.string()).optional(),
  persona: z
    .strictObject({ adapter: folderOrMade, mode: z.enum(['merged', 'stacked', 'off']) })
    .optional(),
  method: z.enum(['lora', 'full']).optional(),
  lora: lora.optional(),
  initialFrom: folderOrMade.optional(),
  data: z.array(source).min(1),
  evaluationShare: z.number().min(0).lt(1).optional(),
  maxTokens: z.int().min(2).optional(),
  overLong: z.enum(['cut', 'drop']).optional(),
  lossOn: z.enum(['all-responses', 'last-response']).optional(),
  unusable: z.enum(['error', 'drop']).optional(),
  /** Several conversations in one sequence are not offered: `false` says so in a config that comes from elsewhere. */
  packing: z.literal(false, 'packing is not offered; leave it out').optional(),
  epochs: positive.optional(),
  steps: count.optional(),
  batchSize: count.optional(),
  microBatchTokens: count.optional(),
  order: z.enum(['random', 'length-grouped', 'file']).optional(),
  learningRate: positive.optional(),
  schedule: z.enum(['linear', 'cosine', 'constant']).optional(),
  warmupSteps: z.int().min(0).optional(),
  warmupRatio: z.number().min(0).max(1).optional(),
  minimumRatio: z.number().min(0).max(1).optional(),
  betas: z.tuple([z.number().min(0).lt(1), z.number().min(0).lt(1)]).optional(),
  epsilon: positive.optional(),
  weightDecay: z.number().min(0).optional(),
  maxGradientNorm: positive.optional(),
  beta: positive.optional(),
  nllCoefficient: z.number().min(0).optional(),
  klCoefficient: z.number().min(0).optional(),
  checkpoints: z.array(count).optional(),
  saveSteps: count.optional(),
  evaluateSteps: count.optional(),
  dtype: z.enum(['F32', 'BF16']).optional(),
  keepOptimizer: z.enum(['last', 'all']).optional(),
  recompute: z.boolean().optional(),
  threads: count.optional(),
  initialisationSeed: seed.optional(),
  orderSeed: seed.optional(),
  splitSeed: seed.optional(),
}

const trainingSchema = z.strictObject({
  name: z
    .string()
    .regex(
      /^\w[\w.-]*(\{seed\}[\w.-]*)?$/,
      'letters, digits, _, - and . alone, none of the last two first, and {seed} once',
    ),
  seed: seed.default(0),
  /** The training is made once for each. */
  seeds: z.array(seed).min(1).optional(),
  ...settings,
})

export const trainingFileSchema = z.strictObject({
  /** Relative paths start here; relative to the file. @default the working folder */
  root: z.string().optional(),
  /** Where the folders of the trainings go, relative to the root. */
  outputs: z.string().default('outputs'),
  /** Corpora that are written before the first training, where they are not there yet (by `cem train`). */
  corpora: z
    .strictObject({
      /** Those of the miniature, once for each seed; `{seed}` in the folder is the seed. */
      miniature: z.strictObject({
        folder: z.string().min(1),
        seeds: z.array(seed).min(1),
        /** Pretraining documents. @default 32000 */
        documents: count.optional(),
      }),
    })
    .optional(),
  /** An experiment's config, relative to this file, that `cem train` runs when every training is done. */
  experiment: z.string().min(1).optional(),
  /** What every training has where it says nothing else. */
  defaults: z.record(z.string(), z.unknown()).optional(),
  trainings: z.array(trainingSchema).min(1),
})

export type TrainingConfig = z.infer<typeof trainingSchema>
export type TrainingFile = z.infer<typeof trainingFileSchema>
