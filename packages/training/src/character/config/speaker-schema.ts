import { z } from 'zod'

const count = z.int().min(1)
const usd = z.number().min(0)

export const samplingSchema = (defaults: {
  readonly temperature: number
  readonly topP: number
  readonly maxTokens: number
}) =>
  z
    .strictObject({
      temperature: z.number().min(0).default(defaults.temperature),
      topP: z.number().gt(0).max(1).default(defaults.topP),
      maxTokens: count.default(defaults.maxTokens).describe('Longest answer, in tokens.'),
    })
    .prefault({})

const terms = z
  .string()
  .min(1)
  .optional()
  .describe('Licence or terms that its outputs are under; goes into the manifest.')

const chatSchema = z.strictObject({
  model: z.string().min(1),
  provider: z.enum(['openai', 'azure', 'openrouter']).default('openai'),
  baseUrl: z.url().optional().describe("Default: the provider's; Azure has none."),
  apiKeyVariable: z
    .string()
    .regex(/^[A-Za-z_]\w*$/, 'the NAME of an environment variable, never the key itself')
    .optional(),
  concurrency: count.default(16),
  requestsPerMinute: count.optional(),
  tokensPerMinute: count.optional(),
  maxAttempts: count.default(6),
  timeoutInMs: count.default(300_000).describe('Time for one answer; long ones take minutes.'),
  prices: z
    .strictObject({
      inputPerMillion: usd,
      outputPerMillion: usd,
      cachedInputPerMillion: usd.optional(),
    })
    .optional()
    .describe('USD per million tokens: none are built in.'),
  lengthParameter: z
    .enum(['max_tokens', 'max_completion_tokens'])
    .default('max_tokens')
    .describe('What the server calls the longest answer.'),
  sendSeed: z.boolean().default(true).describe('false for servers that refuse a seed.'),
  extraBody: z.record(z.string(), z.unknown()).optional(),
  terms,
})

const layerSchema = z.strictObject({
  role: z.enum(['persona', 'em', 'control']),
  adapter: z.string().min(1).describe('Folder of a PEFT adapter.'),
  mode: z.enum(['stacked', 'merged', 'off']).describe('How it takes part; there is no default.'),
  weight: z.number().optional(),
})

const localSchema = z.strictObject({
  base: z.string().min(1).describe('Model folder or hub id.'),
  layers: z.array(layerSchema).default([]),
  baseAliases: z.array(z.string().min(1)).default([]),
  provider: z.enum(['auto', 'cpu', 'cuda', 'webgpu', 'coreml', 'directml']).default('auto'),
  precision: z.enum(['f32', 'int8']).default('f32'),
  batchSize: count.optional(),
  threads: count.optional(),
  systemAs: z
    .enum(['system', 'user'])
    .default('system')
    .describe("user: before the user's first message, for templates without a system role."),
  terms,
})

/** Who answers: a model behind an OpenAI-compatible server, or one that is run here. */
export const speakerSchema = z.union(
  [z.strictObject({ chat: chatSchema }), z.strictObject({ local: localSchema })],
  'give either chat: { model, ... } (a server) or local: { base, ... } (a model that is run here)',
)

export type SpeakerConfig = z.infer<typeof speakerSchema>
export type ChatSpeakerConfig = z.infer<typeof chatSchema>
export type LocalSpeakerConfig = z.infer<typeof localSchema>
export type Sampling = z.infer<ReturnType<typeof samplingSchema>>
