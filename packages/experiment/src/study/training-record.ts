import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CemError, messageOf } from '@cem/core'
import { z } from 'zod'

/**
 * What a checkpoint's training left beside it (`composition.json`): on which base, with which persona in which state. It
 * decides what `personaAtInference: as-trained` means.
 */
const recordSchema = z.object({
  formatVersion: z.literal(1),
  base: z.string(),
  baseSha256: z.record(z.string(), z.string().regex(/^[0-9a-f]{64}$/)).optional(),
  personaInTraining: z.enum(['none', 'merged', 'stacked', 'off']),
  persona: z
    .object({ path: z.string(), sha256: z.string().regex(/^[0-9a-f]{64}$/) })
    .nullable()
    .default(null),
  trainingSeed: z.int().optional(),
  dataset: z.string().optional(),
  datasetSha256: z.string().optional(),
  /** The files of the data, as @cem/training records them. */
  data: z.array(z.object({ path: z.string() })).optional(),
  step: z.int().optional(),
})

export type TrainingRecord = z.infer<typeof recordSchema>

export const recordFile = 'composition.json'

/**
 * The record in a checkpoint's folder, or undefined where there is none.
 *
 * @throws CemError `training-record-invalid`
 */
export async function readTrainingRecord(folder: string): Promise<TrainingRecord | undefined> {
  const file = join(folder, recordFile)
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw invalid(file, messageOf(error))
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw invalid(file, messageOf(error))
  }
  const result = recordSchema.safeParse(value)
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw invalid(file, `${issue?.path.join('.')}: ${issue?.message}`)
}

function invalid(file: string, reason: string): CemError {
  return new CemError({
    code: 'training-record-invalid',
    message: `${file} is no training record that can be read: ${reason}.`,
    data: { file },
  })
}
