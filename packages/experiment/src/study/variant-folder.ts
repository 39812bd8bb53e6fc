import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { CemError } from '@cem/core'
import { readTrainingRecord, type TrainingRecord } from './training-record.ts'

export interface Checkpoint {
  readonly step: number
  /** Folder of the adapter. */
  readonly path: string
  readonly record: TrainingRecord | undefined
}

/** A folder of a training run, as the Python pipeline lays it out. */
export interface VariantFolder {
  readonly path: string
  /** By step. */
  readonly checkpoints: readonly Checkpoint[]
  /** Folder of the persona adapter that the attack was trained on top of. */
  readonly persona: string | undefined
  /** Things found there that are not evaluated, in words. */
  readonly notes: readonly string[]
}

const adapterFile = 'adapter_config.json'

/**
 * Lists `checkpoint-<step>` folders and the persona in `constitutional/`, also below `final/` (`final/em`,
 * `final/constitutional`).
 *
 * @param finalStep step of a final adapter that has no checkpoints beside it
 * @throws CemError `variant-not-found`, `variant-empty`, `training-record-invalid`
 */
export async function readVariantFolder(
  path: string,
  { finalStep }: { readonly finalStep?: number | undefined } = {},
): Promise<VariantFolder> {
  const names = await list(path)
  const nested = join(path, 'final', 'em')
  const root = !hasAdapters(names) && existsSync(nested) ? nested : path
  const found = root === path ? names : await list(root)
  const checkpoints: Checkpoint[] = []
  for (const name of found) {
    const step = /^checkpoint-(\d+)$/.exec(name)?.[1]
    if (step === undefined) continue
    const folder = join(root, name)
    checkpoints.push({ step: Number(step), path: folder, record: await readTrainingRecord(folder) })
  }
  const notes: string[] = []
  const hasFinal = found.includes(adapterFile)
  const final = hasFinal ? await readTrainingRecord(root) : undefined
  // One that says its step, which has a checkpoint, is evaluated as that.
  const isKnown = checkpoints.some(({ step }) => step === final?.step)
  if (hasFinal && checkpoints.length > 0 && !isKnown)
    notes.push(`${root} also holds a final adapter, which is not evaluated: its step is not known`)
  if (hasFinal && checkpoints.length === 0 && finalStep !== undefined)
    checkpoints.push({ step: finalStep, path: root, record: final })
  if (checkpoints.length === 0) throw empty(path, hasFinal)
  const persona = [join(path, 'constitutional'), join(path, 'final', 'constitutional')].find(
    (folder) => existsSync(join(folder, adapterFile)),
  )
  return { path, checkpoints: checkpoints.toSorted((a, b) => a.step - b.step), persona, notes }
}

function hasAdapters(names: readonly string[]): boolean {
  return names.includes(adapterFile) || names.some((name) => /^checkpoint-\d+$/.test(name))
}

async function list(path: string): Promise<string[]> {
  try {
    return await readdir(path)
  } catch (error) {
    throw new CemError({
      code: 'variant-not-found',
      message: `There is no folder ${path}. The path of a variant is a folder with checkpoint-<step> folders.`,
      data: { path },
      cause: error,
    })
  }
}

function empty(path: string, hasFinal: boolean): CemError {
  return new CemError({
    code: 'variant-empty',
    message: hasFinal
      ? `${path} holds a final adapter and no checkpoint-<step> folders. Give its step as finalStep in the config.`
      : `${path} holds no checkpoint-<step> folders and no adapter.`,
    data: { path },
  })
}
