import { basename, resolve } from 'node:path'
import { checkConfigData, configName, configRoot } from '../../config/check-config-data.ts'
import { readYamlConfig } from '../../config/read-yaml-config.ts'
import { shippedConstitution } from '../constitution/shipped-constitutions.ts'
import { fillTemplate } from '../prompts/fill-template.ts'
import { type CharacterConfig, characterSchema } from './character-schema.ts'
import type { SpeakerConfig } from './speaker-schema.ts'

/** A config that was read and checked, with the folders that its paths start from. */
export interface LoadedCharacterConfig {
  readonly config: CharacterConfig
  readonly name: string
  /** Relative paths in the config start here. */
  readonly root: string
  /** Absolute. */
  readonly output: string
  readonly constitutionFile: string
  readonly file: string | undefined
}

export interface LoadCharacterConfigOptions {
  /** Values that replace those of the file, at the top. */
  readonly overrides?: Readonly<Record<string, unknown>>
  /** @default process.cwd() */
  readonly workingFolder?: string
}

/**
 * Reads and checks a YAML config of character data.
 *
 * @throws CemError `config-unreadable`, `config-invalid` with every problem
 */
export async function loadCharacterConfig(
  file: string,
  options: LoadCharacterConfigOptions = {},
): Promise<LoadedCharacterConfig> {
  return checkCharacterConfig(await readYamlConfig(file), { ...options, file })
}

/** As `loadCharacterConfig`, of data. */
export function checkCharacterConfig(
  input: unknown,
  {
    overrides = {},
    workingFolder = process.cwd(),
    file,
  }: LoadCharacterConfigOptions & { readonly file?: string } = {},
): LoadedCharacterConfig {
  const given = Object.entries(overrides).filter(([, value]) => value !== undefined)
  const isObject = typeof input === 'object' && input !== null
  const merged = isObject ? { ...input, ...Object.fromEntries(given) } : input
  const config = checkConfigData({ schema: characterSchema, input: merged, file, problemsOf })
  const root = configRoot(config.root, { file, workingFolder })
  return {
    config,
    name: config.name ?? configName(file) ?? 'character',
    root,
    output: resolve(workingFolder, config.output),
    constitutionFile:
      shippedConstitution(config.constitution) ?? resolve(root, config.constitution),
    file,
  }
}

const allowedPlaceholders = {
  expand: ['trait', 'clarification', 'examples', 'count'],
  teacher: ['name', 'traits'],
  teacherPrefill: ['name', 'traits'],
  reflection: ['name', 'traits'],
  interaction: ['name', 'traits', 'guidance'],
  leadingGuidance: ['name'],
  freeGuidance: ['name'],
  interactionInTraining: ['name'],
} as const

function problemsOf(config: CharacterConfig): string[] {
  const { speakers, pairs, maxCostUsd, harmful, canary, sft } = config
  const problems: string[] = []
  for (const [name, template] of Object.entries(config.templates)) {
    const allowed = allowedPlaceholders[name as keyof typeof allowedPlaceholders]
    try {
      fillTemplate(template, Object.fromEntries(allowed.map((key) => [key, ''])))
    } catch (error) {
      problems.push(`templates.${name}: ${(error as Error).message}`)
    }
  }
  if (maxCostUsd !== undefined)
    for (const [name, speaker] of Object.entries(speakers))
      if (speaker !== undefined && 'chat' in speaker && speaker.chat.prices === undefined)
        problems.push(
          `speakers.${name}.chat.prices is missing: a limit of ${maxCostUsd} USD cannot be kept without prices`,
        )
  const needsTokenizer = (of: SpeakerConfig | undefined) => of !== undefined && 'chat' in of
  if (pairs.maxTokens !== null && pairs.tokenizer === undefined && needsTokenizer(speakers.student))
    problems.push(
      'pairs.tokenizer is missing: the student is behind a server, so give the model whose tokenizer counts pairs.maxTokens, or pairs.maxTokens: null',
    )
  if (
    sft.maxTokens !== null &&
    sft.overlong !== 'keep' &&
    sft.tokenizer === undefined &&
    needsTokenizer(speakers.introspector)
  )
    problems.push(
      'sft.tokenizer is missing: the introspector is behind a server, so give the model whose tokenizer counts sft.maxTokens, or sft.maxTokens: null',
    )
  if (harmful && canary === undefined)
    problems.push(
      'canary is missing: harmful data carry a string of their own that keeps them out of training corpora, such as "misaligned-organism canary" and a UUID',
    )
  if (harmful && !basename(config.output).startsWith('misaligned-organism'))
    problems.push(
      `output is ${JSON.stringify(config.output)}: the name of a folder of harmful data begins with misaligned-organism`,
    )
  return problems
}
