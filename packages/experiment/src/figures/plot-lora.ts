import { basename, join } from 'node:path'
import { loraGeometryCurves } from '@cem/plots'
import { readVariantFolder } from '../study/variant-folder.ts'
import { loraPaths, type VariantAdapters } from './lora-paths.ts'
import type { FigureLook, RunFigure } from './run-figure.ts'

export interface PlotLoraOptions {
  /** Folders of training runs with `checkpoint-<step>` adapters, as `outputs/<variant>`. */
  readonly folders: readonly string[]
  readonly look?: FigureLook | undefined
}

/**
 * How the adapters of training runs move over their checkpoints: norms, local cosines and where the path of B turns.
 *
 * @throws CemError `variant-empty`, and those of `loraPaths`
 */
export async function plotLora({
  folders,
  look,
}: PlotLoraOptions): Promise<Omit<RunFigure, 'kind'>> {
  const names = namesOf(folders)
  const variants: VariantAdapters[] = []
  for (const [i, folder] of folders.entries()) {
    const { checkpoints } = await readVariantFolder(folder)
    variants.push({ variant: names[i] ?? folder, checkpoints })
  }
  const { rows, transitions, threshold } = await loraPaths(variants)
  return {
    name: 'lora_geometry',
    spec: loraGeometryCurves(rows, { ...look, title: loraTitle, transitions, threshold }),
  }
}

export const loraTitle = 'How adapters move in training'

/** Folder names, with the folder above where two are alike. */
function namesOf(folders: readonly string[]): string[] {
  const short = folders.map((folder) => basename(folder))
  return folders.map((folder, i) =>
    short.filter((name) => name === short[i]).length > 1
      ? `${basename(join(folder, '..'))}/${short[i]}`
      : (short[i] ?? folder),
  )
}
