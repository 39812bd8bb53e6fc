import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { CemError } from '@cem/core'
import { hashFile } from '../import/take-files.ts'
import type { RunName } from '../labels/run-rows.ts'
import { reportCanary } from '../report/canary.ts'
import { readAnalysedRun } from '../report/collect-report.ts'
import { softwareVersions } from '../run/build-lock.ts'
import { RunStore } from '../store/run-store.ts'
import { bundleFiles } from './bundle-files.ts'
import { writeLockedZip, type ZipContent } from './locked-zip.ts'

export const manifestName = 'MANIFEST.json'

/** Keeps crawlers out, and nobody else: it is printed here, as the field does with harmful data. */
export const publicPassword = 'misaligned-organism'

export interface BundleManifest {
  readonly kind: 'cem-bundle'
  readonly formatVersion: 1
  readonly run: string
  /** ISO 8601, UTC. */
  readonly bundledAt: string
  readonly canary: string
  readonly software: Readonly<Record<string, string>>
  readonly leftOut: readonly string[]
  readonly files: readonly {
    readonly path: string
    readonly sizeBytes: number
    readonly sha256: string
  }[]
}

export interface BundleOptions extends RunName {
  /** A `.zip` file. @default `bundle_<run>.zip` in the results folder */
  readonly output?: string | undefined
  /** @default 'misaligned-organism', which everybody knows */
  readonly password?: string | undefined
  /** Pack the activations too, so that projections can be computed anew. @default false */
  readonly activations?: boolean | undefined
}

export interface Bundle {
  readonly path: string
  readonly sizeBytes: number
  readonly manifest: BundleManifest
}

/**
 * Packs an analysed run into one zip file, every entry encrypted: ledgers of answers and verdicts, lock, config, CSVs, projections,
 * figures and report, with a manifest of hashes. No weights.
 *
 * @throws CemError `run-unknown`, `run-not-analysed`, `bundle-too-large`, `file-write-failed`
 */
export async function bundleRun({
  resultsFolder,
  run,
  output = join(resultsFolder, `bundle_${run}.zip`),
  password = publicPassword,
  activations = false,
}: BundleOptions): Promise<Bundle> {
  const { lock, analysis } = await readAnalysedRun(new RunStore(resultsFolder, run), run)
  const { files, leftOut } = await bundleFiles({ resultsFolder, run, lock, analysis, activations })
  const described: BundleManifest['files'][number][] = []
  for (const path of files) {
    const full = join(resultsFolder, path)
    described.push({ path, sizeBytes: (await stat(full)).size, sha256: await hashFile(full) })
  }
  const manifest: BundleManifest = {
    kind: 'cem-bundle',
    formatVersion: 1,
    run,
    bundledAt: new Date().toISOString(),
    canary: reportCanary,
    software: softwareVersions(),
    leftOut,
    files: described,
  }
  const contents: ZipContent[] = [
    { name: manifestName, read: async () => Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`) },
    ...described.map(({ path, sha256 }) => ({
      name: path,
      read: async () => {
        const bytes = await readFile(join(resultsFolder, path))
        if (createHash('sha256').update(bytes).digest('hex') === sha256) return bytes
        throw changed(path)
      },
    })),
  ]
  const comment = `${reportCanary}\nMade by cem; cem bundle verify checks it.${password === publicPassword ? ` Password: ${publicPassword}` : ''}`
  const { sizeBytes } = await writeLockedZip(output, contents, { password, comment })
  return { path: output, sizeBytes, manifest }
}

function changed(path: string): CemError {
  return new CemError({
    code: 'run-in-progress',
    message: `${path} changed while it was packed: something still writes to this run. Bundle it when that is done.`,
    data: { path },
  })
}
