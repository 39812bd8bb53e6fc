import { mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from './run.mjs'

/**
 * Packs every publishable package of a built workspace.
 *
 * @param {string} root the workspace
 * @returns {{ folder: string, tarballs: string[] }} a temporary folder, to be removed by the caller, and the tarballs in it
 */
export function packAll(root) {
  const folder = mkdtempSync(join(tmpdir(), 'cem-packs-'))
  const filters = ['./packages/*', './apps/*'].flatMap((path) => ['--filter', path])
  run('pnpm', ['-r', ...filters, 'pack', '--pack-destination', folder], root)
  return { folder, tarballs: readdirSync(folder).map((file) => join(folder, file)) }
}
