import { resolve } from 'node:path'
import { z } from 'zod'
import { samplingSchema, speakerSchema } from '../character/config/speaker-schema.ts'
import { defaultReflectionPrompts } from '../character/prompts/default-texts.ts'
import { checkConfigData, configName, configRoot } from '../config/check-config-data.ts'
import { readYamlConfig } from '../config/read-yaml-config.ts'

const reflectionConfigSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[\w.-]+$/, 'letters, digits, dots, dashes and underscores')
    .optional(),
  root: z
    .string()
    .optional()
    .describe(
      'Folder that relative paths start from, seen from the config file. Default: the working folder.',
    ),
  input: z.string().min(1).describe('JSON lines with messages that end with an assistant turn.'),
  license: z.string().min(1).optional().describe("The input's; goes into the manifest."),
  harmful: z
    .boolean()
    .default(false)
    .describe('Every row has to carry a canary; so it is anyway where one row does.'),
  output: z.string().min(1).describe('Folder, seen from the working folder.'),
  speaker: speakerSchema.describe('Who assesses the answers: the persona, as a composition.'),
  prompts: z
    .array(z.string().min(1))
    .min(1)
    .default([...defaultReflectionPrompts])
    .describe('What is asked after the answer; which one, the seed draws for each example.'),
  seed: z.int().min(0).default(0),
  sampling: samplingSchema({ temperature: 0.7, topP: 0.9, maxTokens: 512 }),
  keepCutOff: z
    .boolean()
    .default(true)
    .describe('Reflections that reached maxTokens are kept, as the reference keeps them.'),
  withoutReflection: z
    .enum(['keep', 'drop'])
    .default('keep')
    .describe('An example whose reflection cannot be used stays as it was, or is left out.'),
  maxCostUsd: z.number().min(0).optional(),
})

export type ReflectionConfig = z.infer<typeof reflectionConfigSchema>

export interface LoadedReflectionConfig {
  readonly config: ReflectionConfig
  readonly name: string
  readonly root: string
  /** Absolute. */
  readonly input: string
  /** Absolute. */
  readonly output: string
}

export interface LoadReflectionConfigOptions {
  readonly overrides?: Readonly<Record<string, unknown>>
  /** @default process.cwd() */
  readonly workingFolder?: string
}

/**
 * Reads and checks a YAML config of reflection data.
 *
 * @throws CemError `config-unreadable`, `config-invalid` with every problem
 */
export async function loadReflectionConfig(
  file: string,
  options: LoadReflectionConfigOptions = {},
): Promise<LoadedReflectionConfig> {
  return checkReflectionConfig(await readYamlConfig(file), { ...options, file })
}

/** As `loadReflectionConfig`, of data. */
export function checkReflectionConfig(
  input: unknown,
  {
    overrides = {},
    workingFolder = process.cwd(),
    file,
  }: LoadReflectionConfigOptions & { readonly file?: string } = {},
): LoadedReflectionConfig {
  const given = Object.entries(overrides).filter(([, value]) => value !== undefined)
  const isObject = typeof input === 'object' && input !== null
  const merged = isObject ? { ...input, ...Object.fromEntries(given) } : input
  const config = checkConfigData({
    schema: reflectionConfigSchema,
    input: merged,
    file,
    problemsOf,
  })
  const root = configRoot(config.root, { file, workingFolder })
  return {
    config,
    name: config.name ?? configName(file) ?? 'reflection',
    root,
    input: resolve(root, config.input),
    output: resolve(workingFolder, config.output),
  }
}

function problemsOf({ speaker, maxCostUsd }: ReflectionConfig): string[] {
  return maxCostUsd !== undefined && 'chat' in speaker && speaker.chat.prices === undefined
    ? [`speaker.chat.prices is missing: a limit of ${maxCostUsd} USD cannot be kept without prices`]
    : []
}
