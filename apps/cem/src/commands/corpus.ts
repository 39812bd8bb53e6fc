import { lockArchive, protectCorpus, unlockArchive } from '@cem/training'
import { exitCodes } from '../exit-codes.ts'
import { terminalText } from '../terminal-text.ts'

/** `cem corpus mark FILES...` */
export async function markCorpora(files: readonly string[]): Promise<number> {
  for (const file of files) {
    const { nRows, nMarked } = await protectCorpus(file)
    print(`${file}: ${nRows} rows, ${nMarked} of them marked now; git leaves it out`)
  }
  return exitCodes.complete
}

interface ArchiveFlags {
  readonly output: string
  readonly password?: string
}

/** `cem corpus lock FILES... --output ARCHIVE` */
export async function lockCorpora(files: readonly string[], flags: ArchiveFlags): Promise<number> {
  await lockArchive({ files, ...flags })
  print(`wrote ${flags.output}: ${files.length} files, encrypted with AES-256`)
  return exitCodes.complete
}

/** `cem corpus unlock ARCHIVE --output FOLDER` */
export async function unlockCorpora(archive: string, flags: ArchiveFlags): Promise<number> {
  for (const path of await unlockArchive({ archive, ...flags })) print(`wrote ${path}`)
  return exitCodes.complete
}

/** `cem corpus miniature FOLDER --seed N` */
export async function writeMiniatureCorpora(
  folder: string,
  { seed }: { readonly seed: number },
): Promise<number> {
  const { exportCorpora } = await import('@cem/miniature')
  for (const { file, nRows, sha256 } of await exportCorpora({ folder, seed }))
    print(`${file}: ${nRows} rows, sha256 ${sha256}`)
  return exitCodes.complete
}

function print(line: string): void {
  process.stdout.write(`${terminalText(line)}\n`)
}
