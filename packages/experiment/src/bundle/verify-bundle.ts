import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { CemError, messageOf } from '@cem/core'
import { ignoreByGit } from '../report/ignore-by-git.ts'
import { type BundleManifest, manifestName, publicPassword } from './bundle-run.ts'
import { checkScores, type ScoreCheck } from './check-scores.ts'
import { type ComparedPart, compareAnalyses } from './compare-analyses.ts'
import { damaged, type LockedZip, openLockedZip } from './locked-zip.ts'

export interface VerifyBundleOptions {
  readonly path: string
  /** @default 'misaligned-organism' */
  readonly password?: string | undefined
  /** A results folder to leave the files in, empty or new; without one they are removed again. */
  readonly into?: string | undefined
}

export interface VerifiedBundle {
  readonly manifest: BundleManifest
  /** Everything that is wrong with it, in words; none: it is what was packed, and says what it says. */
  readonly problems: readonly string[]
  /** Verdicts whose scores were computed anew from the judge's raw log probabilities. */
  readonly scores: ScoreCheck
  /** Parts of the analysis that were computed anew, or why one was not. */
  readonly analysis: readonly ComparedPart[]
}

/**
 * Checks a bundle: every file against the manifest's hash, every score against the judge's raw log probabilities, and every number of
 * the analysis against one that is made anew from the verdicts.
 *
 * @throws CemError `bundle-password`, `bundle-damaged`, `bundle-into-full`
 */
export async function verifyBundle({
  path,
  password = publicPassword,
  into,
}: VerifyBundleOptions): Promise<VerifiedBundle> {
  const zip = await openLockedZip(path, password)
  const manifest = readManifest(zip, path)
  const folder = into === undefined ? await mkdtemp(join(tmpdir(), 'cem-bundle-')) : resolve(into)
  try {
    if (into !== undefined) await ignoreByGit(folder)
    const problems = await unpack(zip, manifest, folder, into !== undefined)
    if (problems.length > 0)
      return { manifest, problems, scores: { nChecked: 0, problems: [] }, analysis: [] }
    const scores = await checkScores(folder, manifest.run)
    // Made anew in a folder of its own: what is kept stays as it was packed.
    const analysis = await orProblem(() => compareAnalyses(folder, manifest.run))
    return {
      manifest,
      problems: [
        ...scores.problems,
        ...analysis.problems,
        ...analysis.parts.flatMap(({ name, difference }) =>
          difference === null
            ? []
            : [`${name} is not what follows from the verdicts: ${difference}`],
        ),
      ],
      scores,
      analysis: analysis.parts,
    }
  } finally {
    if (into === undefined) await rm(folder, { recursive: true, force: true })
  }
}

async function orProblem(work: () => Promise<readonly ComparedPart[]>) {
  try {
    return { parts: await work(), problems: [] }
  } catch (error) {
    if (!CemError.isInstance(error)) throw error
    return { parts: [], problems: [`the analysis cannot be made anew: ${messageOf(error)}`] }
  }
}

function readManifest(zip: LockedZip, path: string): BundleManifest {
  if (!zip.names.includes(manifestName)) throw damaged(path, `it has no ${manifestName}`)
  let manifest: Partial<BundleManifest>
  try {
    manifest = JSON.parse(Buffer.from(zip.read(manifestName)).toString('utf8'))
  } catch (error) {
    if (CemError.isInstance(error)) throw error
    throw damaged(path, `${manifestName} is no JSON`, error)
  }
  const isKnown =
    manifest.kind === 'cem-bundle' &&
    manifest.formatVersion === 1 &&
    typeof manifest.run === 'string' &&
    /^[\w.-]+$/.test(manifest.run) &&
    Array.isArray(manifest.files)
  if (!isKnown) throw damaged(path, `${manifestName} is not of a bundle that this version knows`)
  return manifest as BundleManifest
}

/** Writes what is as the manifest says; gives what is not. */
async function unpack(
  zip: LockedZip,
  { files }: BundleManifest,
  folder: string,
  isKept: boolean,
): Promise<string[]> {
  const listed = new Set(files.map(({ path }) => path))
  const problems = zip.names
    .filter((name) => name !== manifestName && !listed.has(name))
    .map((name) => `${name} is in the bundle, and not in its manifest`)
  for (const { path, sha256 } of files) {
    if (!zip.names.includes(path)) {
      problems.push(`${path} is in the manifest, and not in the bundle`)
      continue
    }
    const bytes = zip.read(path)
    if (createHash('sha256').update(bytes).digest('hex') !== sha256) {
      problems.push(`${path} is not the file that the manifest names by its hash`)
      continue
    }
    const target = join(folder, path)
    await mkdir(dirname(target), { recursive: true })
    await writeFile(target, bytes, { flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
      throw error.code === 'EEXIST' && isKept ? intoFull(target) : error
    })
  }
  return problems
}

function intoFull(target: string): CemError {
  return new CemError({
    code: 'bundle-into-full',
    message: `${target} is there already: unpack into an empty folder.`,
    data: { target },
  })
}
