import { basename, dirname, extname, resolve } from 'node:path'
import { CemError } from '@cem/core'
import type { z } from 'zod'
import { describeIssues } from './describe-issues.ts'

export interface CheckConfigDataOptions<Schema extends z.ZodType> {
  readonly schema: Schema
  readonly input: unknown
  /** Where it is from, for the message. */
  readonly file: string | undefined
  /** What is wrong beyond what the schema says. @default nothing */
  readonly problemsOf?: (config: z.output<Schema>) => readonly string[]
}

/**
 * Data that a schema takes, with its defaults.
 *
 * @throws CemError `config-invalid` with every problem: the key, its value and what is allowed
 */
export function checkConfigData<Schema extends z.ZodType>({
  schema,
  input,
  file,
  problemsOf = () => [],
}: CheckConfigDataOptions<Schema>): z.output<Schema> {
  const result = schema.safeParse(input)
  const problems = result.success
    ? problemsOf(result.data)
    : describeIssues(result.error, input, schema)
  if (result.success && problems.length === 0) return result.data
  throw new CemError({
    code: 'config-invalid',
    message: `${file ?? 'The config'} is not valid:\n${problems.map((p) => `- ${p}`).join('\n')}`,
    data: { file, problems },
  })
}

export interface ConfigOrigin {
  readonly file: string | undefined
  readonly workingFolder: string
}

/** Where the relative paths of a config start: at its `root`, which is seen from its file, else in the working folder. */
export function configRoot(
  root: string | undefined,
  { file, workingFolder }: ConfigOrigin,
): string {
  const folder = file === undefined ? workingFolder : dirname(resolve(workingFolder, file))
  return root === undefined ? resolve(workingFolder) : resolve(folder, root)
}

/** The name of a config's file without its ending. */
export function configName(file: string | undefined): string | undefined {
  return file === undefined ? undefined : basename(file, extname(file))
}
