import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { CemError, messageOf, nearest } from '@cem/core'
import { parse } from 'yaml'
import type { z } from 'zod'
import { type TrainingFile, trainingFileSchema, trainingSchema } from './training-schema.ts'

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
  const value = parseYaml(await readConfig(file), file)
  const result = trainingFileSchema.safeParse(withDefaults(value))
  if (!result.success) {
    const problems = result.error.issues.flatMap((issue) => describe(issue, withDefaults(value)))
    throw invalid(file, problems)
  }
  const { root } = result.data
  return {
    file,
    config: result.data,
    root: root === undefined ? resolve(workingFolder) : resolve(workingFolder, dirname(file), root),
  }
}

async function readConfig(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new CemError({
      code: 'config-unreadable',
      message: `The config ${file} cannot be read: ${messageOf(error)}.`,
      data: { file },
      cause: error,
    })
  }
}

function parseYaml(text: string, file: string): unknown {
  try {
    return parse(text, { merge: true, maxAliasCount: 1000 })
  } catch (error) {
    throw invalid(file, [`it is no YAML: ${messageOf(error)}`])
  }
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

function describe(issue: z.core.$ZodIssue, input: unknown): string[] {
  const path = issue.path.map(String).join('.')
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => {
      const allowed =
        issue.path[0] === 'trainings' ? trainingSchema.shape : trainingFileSchema.shape
      const names = issue.path.length <= 2 ? Object.keys(allowed) : []
      const meant = nearest(key, names)
      const hint =
        meant !== undefined
          ? `; did you mean '${meant}'?`
          : names.length > 0
            ? `; allowed are ${names.join(', ')}`
            : ''
      return `${path === '' ? '' : `${path}: `}unknown key '${key}'${hint}`
    })
  if (issue.code === 'invalid_union') {
    const inner = issue.errors.flat().filter((one) => one.path.length > 0)
    if (inner.length > 0)
      return inner.flatMap((one) => describe({ ...one, path: [...issue.path, ...one.path] }, input))
  }
  let value = input
  for (const key of issue.path) value = (value as Record<PropertyKey, unknown> | undefined)?.[key]
  const shown = value === undefined ? 'is missing' : `is ${JSON.stringify(value)?.slice(0, 80)}`
  return [`${path === '' ? 'the file' : path} ${shown}: ${issue.message}`]
}

function invalid(file: string, problems: readonly string[]): CemError {
  return new CemError({
    code: 'config-invalid',
    message: `${file} is not valid:\n${problems.map((problem) => `- ${problem}`).join('\n')}`,
    data: { file, problems },
  })
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
