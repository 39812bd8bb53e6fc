import { checkConfigData, configRoot } from './check-config-data.ts'
import { readYamlConfig } from './read-yaml-config.ts'
import { type TrainingFile, trainingFileSchema } from './training-schema.ts'

export interface LoadedTrainingFile {
  readonly file: string
  readonly config: TrainingFile
  /** Absolute: relative paths in the file start here. */
  readonly root: string
}

/**
 * Reads a YAML file of trainings.
 *
 * @param workingFolder where relative paths start if the file has no `root`. @default process.cwd()
 * @throws CemError `config-unreadable`; `config-invalid` with every problem: the key, its value and what is allowed
 */
export async function loadTrainingFile(
  file: string,
  workingFolder: string = process.cwd(),
): Promise<LoadedTrainingFile> {
  const input = withDefaults(await readYamlConfig(file))
  const config = checkConfigData({ schema: trainingFileSchema, input, file })
  return { file, config, root: configRoot(config.root, { file, workingFolder }) }
}

/** Whether a config lists trainings. */
export function isTrainingConfig(config: unknown): boolean {
  return isObject(config) && 'trainings' in config
}

/** `defaults` in each training that does not say otherwise, also within `lora`. */
function withDefaults(value: unknown): unknown {
  if (!isObject(value) || !isObject(value['defaults']) || !Array.isArray(value['trainings']))
    return value
  const { defaults } = value
  const trainings = value['trainings'].map((training: unknown) =>
    isObject(training) ? merge(defaults, training) : training,
  )
  return { ...value, trainings }
}

function merge(base: Record<string, unknown>, over: Record<string, unknown>) {
  const merged = { ...base, ...over }
  const [lora, ownLora] = [base['lora'], over['lora']]
  if (isObject(lora) && isObject(ownLora)) merged['lora'] = { ...lora, ...ownLora }
  // What is trained whole has no adapter.
  if (merged['method'] === 'full' && !('lora' in over)) delete merged['lora']
  // Steps of its own end the epochs of the defaults, and the other way round.
  for (const [key, other] of [
    ['steps', 'epochs'],
    ['epochs', 'steps'],
    ['warmupSteps', 'warmupRatio'],
    ['warmupRatio', 'warmupSteps'],
    ['seed', 'seeds'],
  ] as const)
    if (key in over && !(other in over)) delete merged[other]
  return merged
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
