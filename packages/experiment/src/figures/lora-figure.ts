import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { CemError } from '@cem/core'
import { loraGeometryCurves } from '@cem/plots'
import { hashFile } from '../import/take-files.ts'
import { loraPaths } from './lora-paths.ts'
import { loraTitle } from './plot-lora.ts'
import { checkpointsOf, type FigureSource, type RunFigure } from './run-figure.ts'

/** Adapters that take more are drawn where somebody asks for it by name: their products take minutes. */
const quickBytes = 2 ** 30

interface AdapterFile {
  readonly variant: string
  readonly condition: string
  readonly step: number
  readonly path: string
  readonly sizeBytes: number
}

/**
 * How the EM adapters of the run's variants move from checkpoint to checkpoint, of those whose files are still there and are the
 * ones of the lock.
 */
export async function loraFigure(source: FigureSource): Promise<RunFigure[]> {
  const files = await adapterFiles(source)
  const sizeBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0)
  if (!source.isNamed && sizeBytes > quickBytes) return []
  const known: AdapterFile[] = []
  for (const file of files) if (await isLocked(source, file)) known.push(file)
  const variants = Array.from(
    Map.groupBy(known, ({ variant }) => variant),
    ([variant, own]) => ({ variant, checkpoints: own.toSorted((a, b) => a.step - b.step) }),
  ).filter(({ checkpoints }) => checkpoints.length > 1)
  if (variants.length === 0) return []
  const paths = await loraPaths(variants).catch((error: unknown) => {
    // A figure that cannot be drawn of these adapters is no reason to lose the others, unless it was asked for.
    if (CemError.isInstance(error) && !source.isNamed) return undefined
    throw error
  })
  if (paths === undefined) return []
  const conditions = new Map(known.map(({ variant, condition }) => [variant, condition]))
  const { analysis, styles, look } = source
  const rows = paths.rows.map((row) => ({ ...row, condition: conditions.get(row.variant) }))
  const { transitions, threshold } = paths
  const drawn = new Set(rows.map(({ variant }) => variant))
  const named = new Map([...styles].filter(([name]) => drawn.has(name)))
  return [
    {
      kind: 'lora',
      name: `lora_geometry_${analysis.run}`,
      spec: loraGeometryCurves(rows, {
        ...look,
        title: loraTitle,
        styles: named,
        transitions,
        threshold,
      }),
    },
  ]
}

/** One file of each variant and step: a checkpoint may have two cells. */
async function adapterFiles(source: FigureSource): Promise<AdapterFile[]> {
  const found = new Map<string, AdapterFile>()
  for (const { cell } of checkpointsOf(source)) {
    const { variant, condition, step } = cell
    const path = cell.layers.find(({ role }) => role === 'em')?.adapter
    if (path === undefined) continue
    const size = await stat(weightsOf(path)).catch(() => undefined)
    if (size !== undefined)
      found.set(`${variant}/${step}`, { variant, condition, step, path, sizeBytes: size.size })
  }
  return [...found.values()]
}

async function isLocked({ lock }: FigureSource, { path }: AdapterFile): Promise<boolean> {
  const layers = Object.values(lock?.cells ?? {}).flatMap(({ cell, composition }) =>
    cell.layers.flatMap(({ adapter }, i) => {
      const sha256 = composition?.layers[i]?.sha256
      return adapter === path && sha256 !== undefined ? [sha256] : []
    }),
  )
  return layers.length > 0 && layers.includes(await hashFile(weightsOf(path)))
}

function weightsOf(adapter: string): string {
  return join(adapter, 'adapter_model.safetensors')
}
