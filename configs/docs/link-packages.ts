import { mkdir, readdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Puts the built packages, and the runtime that a user of @cem/onnx-graph installs beside it, into a folder's `node_modules`. */
export async function linkPackages(folder: string): Promise<void> {
  const scope = join(folder, 'node_modules/@cem')
  await mkdir(scope, { recursive: true })
  for (const name of await readdir(join(root, 'packages')))
    await symlink(join(root, 'packages', name), join(scope, name))
  await symlink(
    join(root, 'packages/inference/node_modules/onnxruntime-node'),
    join(folder, 'node_modules/onnxruntime-node'),
  )
}
