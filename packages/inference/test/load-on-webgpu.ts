import { join } from 'node:path'
import { loadModel, type Model } from '../src/index.ts'
import { fixtures, type GoldenModel } from './golden.ts'

export function loadOnWebgpu(golden: GoldenModel, cache: string): Promise<Model> {
  const base = join(fixtures, golden.folder)
  return loadModel({ base, baseAliases: [golden.repository], cache, provider: 'webgpu' })
}
