import { resolve } from 'node:path'
import type { LoadedTrainingFile } from '@cem/training'

/** Writes the corpora that a training file asks for, where they are not there yet. */
export async function makeCorpora({ config, root }: LoadedTrainingFile): Promise<void> {
  const { miniature } = config.corpora ?? {}
  if (miniature === undefined) return
  const { exportCorpora } = await import('@cem/miniature')
  for (const seed of miniature.seeds) {
    const folder = resolve(root, miniature.folder.replaceAll('{seed}', String(seed)))
    const { documents } = miniature
    await exportCorpora({ folder, seed, ...(documents !== undefined && { nDocuments: documents }) })
  }
}
