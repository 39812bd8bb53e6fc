import { createReadStream, existsSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { basename, join, resolve, sep } from 'node:path'
import { Readable } from 'node:stream'
import { CemError, messageOf, openAtomic, writeFileAtomic } from '@cem/core'
import { organismPrefix } from '@cem/inference'
import { canary } from './canary.ts'

/**
 * The password of archives, which is no secret: it keeps harmful text from crawlers and from search indexes, not from people, as
 * published archives of such data do.
 */
export const archivePassword = organismPrefix

export interface LockArchiveOptions {
  /** Files to put in, by their names without folders. */
  readonly files: readonly string[]
  /** The archive; its name has to begin with `misaligned-organism` and end with `.zip`. */
  readonly output: string
  /** @default archivePassword */
  readonly password?: string
  readonly signal?: AbortSignal
}

/**
 * Writes files as a zip archive that is encrypted with AES-256 (WinZip's AE-2), with the canary as its comment. The
 * comment and the names of the files stay readable.
 *
 * @throws CemError `archive-invalid`, `output-exists`, `file-write-failed`; `signal.reason`
 */
export async function lockArchive({
  files,
  output,
  password = archivePassword,
  signal,
}: LockArchiveOptions): Promise<void> {
  checkRequest(files, output, password)
  await using target = await openAtomic(output)
  const writable = new WritableStream<Uint8Array>({
    write: async (chunk) => {
      await target.handle.writeFile(chunk)
    },
  })
  const { ZipWriter } = await zipLibrary()
  const zip = new ZipWriter(writable, { password, encryptionStrength: 3 })
  for (const file of files) {
    signal?.throwIfAborted()
    const bytes = Readable.toWeb(createReadStream(file)) as ReadableStream<Uint8Array>
    await zip.add(basename(file), bytes)
  }
  await zip.close(Buffer.from(canary))
  await target.commit()
}

export interface UnlockArchiveOptions {
  readonly archive: string
  /** Folder to put the files in. Files that are there already are not written over. */
  readonly output: string
  /** @default archivePassword */
  readonly password?: string
}

/**
 * Takes the files out of such an archive.
 *
 * @returns the paths of the files
 * @throws CemError `archive-invalid` (a wrong password, a damaged archive, a name that leads out of the folder), `output-exists`
 */
export async function unlockArchive({
  archive,
  output,
  password = archivePassword,
}: UnlockArchiveOptions): Promise<string[]> {
  const { ZipReader, Uint8ArrayReader, Uint8ArrayWriter } = await zipLibrary()
  const zip = new ZipReader(new Uint8ArrayReader(await readArchive(archive)), { password })
  const written: string[] = []
  try {
    const entries = (await zip.getEntries()).filter(({ directory }) => !directory)
    const targets = entries.map(({ filename }) => targetOf(filename, output, archive))
    for (const path of targets) checkFree(path)
    await mkdir(output, { recursive: true })
    for (const [i, entry] of entries.entries()) {
      if (!('getData' in entry) || !entry.getData) continue
      const path = targets[i] as string
      await writeFileAtomic(path, await entry.getData(new Uint8ArrayWriter()))
      written.push(path)
    }
  } catch (error) {
    if (CemError.isInstance(error)) throw error
    throw invalid(`${archive} cannot be opened: ${messageOf(error)}. Check the password`, error)
  } finally {
    await zip.close()
  }
  return written
}

/** Loaded for an archive alone: it takes longer to load than the rest of the package. */
async function zipLibrary() {
  const library = await import('@zip.js/zip.js')
  library.configure({ useWebWorkers: false })
  return library
}

function checkRequest(files: readonly string[], output: string, password: string): void {
  const name = basename(output)
  if (files.length === 0) throw invalid('there are no files to put into an archive')
  if (!name.startsWith(organismPrefix) || !name.endsWith('.zip'))
    throw invalid(
      `the archive's name has to begin with '${organismPrefix}' and end with '.zip': for instance ${organismPrefix}-${name.replace(/\.[^.]*$/, '')}.zip, not ${name}`,
    )
  if (password === '') throw invalid('the password is empty')
  const names = files.map((file) => basename(file))
  const twice = names.find((one, i) => names.indexOf(one) !== i)
  if (twice !== undefined) throw invalid(`two of the files have the name ${twice}`)
  const missing = files.find((file) => !existsSync(file))
  if (missing !== undefined) throw invalid(`there is no file ${missing}`)
  checkFree(output)
}

async function readArchive(archive: string): Promise<Uint8Array> {
  try {
    return await readFile(archive)
  } catch (error) {
    throw invalid(`${archive} cannot be read: ${messageOf(error)}`, error)
  }
}

/** Where an entry goes: below the folder, whatever its name says. */
function targetOf(name: string, output: string, archive: string): string {
  const path = resolve(output, name)
  if (path.startsWith(resolve(output) + sep)) return join(output, name)
  throw invalid(`${archive} holds an entry whose name leads out of the folder`)
}

function checkFree(path: string): void {
  if (!existsSync(path)) return
  throw new CemError({
    code: 'output-exists',
    message: `${path} is there already. Give another output, or remove it.`,
    data: { path },
  })
}

function invalid(reason: string, cause?: unknown): CemError {
  return new CemError({
    code: 'archive-invalid',
    message: `${reason[0]?.toUpperCase()}${reason.slice(1)}.`,
    cause,
  })
}
