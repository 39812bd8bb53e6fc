import { existsSync } from 'node:fs'
import { resolve } from 'node:path'

/** A model as a config names it: the folder below the root where there is one, else the reference as it stands, a hub id. */
export function modelPath(root: string, reference: string): string {
  const path = resolve(root, reference)
  return existsSync(path) ? path : reference
}
