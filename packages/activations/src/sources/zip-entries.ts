import { type FileHandle, open } from 'node:fs/promises'
import { crc32, inflateRawSync, zstdDecompressSync } from 'node:zlib'
import { messageOf } from '@cem/core'
import { sourceInvalid } from './source-invalid.ts'

/** A file within a zip file. */
export interface ZipText {
  readonly name: string
  readText(): Promise<string>
}

/** Bounds what a small file can unfold to. */
const maxEntryBytes = 2 ** 29
const maxDirectoryBytes = 2 ** 28

/**
 * The texts in a zip file (APPNOTE 6.3.10), for small entries that are read whole: stored, deflated or packed by Zstandard; lengths
 * and checksums are checked. Not ZIP64.
 *
 * @throws CemError `source-invalid`
 */
export async function openZipTexts(
  path: string,
): Promise<{ readonly entries: readonly ZipText[] } & AsyncDisposable> {
  const handle = await open(path, 'r').catch((error: unknown) => {
    throw sourceInvalid(path, `it cannot be read (${messageOf(error)})`, error)
  })
  const dispose = () => handle.close()
  try {
    const { size } = await handle.stat()
    const directory = await readDirectory(handle, path, size)
    const entries = Array.from(entriesOf(directory, path), (entry) => ({
      name: entry.name,
      readText: () => readEntry(handle, path, entry),
    }))
    return { entries, [Symbol.asyncDispose]: dispose }
  } catch (error) {
    await dispose()
    throw error
  }
}

interface Entry {
  readonly name: string
  readonly method: number
  readonly checksum: number
  readonly storedBytes: number
  readonly sizeBytes: number
  readonly offset: number
}

async function read(
  handle: FileHandle,
  path: string,
  position: number,
  length: number,
): Promise<Buffer> {
  const buffer = Buffer.alloc(length)
  const { bytesRead } = await handle.read(buffer, 0, length, position)
  if (bytesRead < length) throw sourceInvalid(path, 'it is no whole zip file: fetch it again')
  return buffer
}

async function readDirectory(handle: FileHandle, path: string, size: number): Promise<Buffer> {
  const tailBytes = Math.min(size, 22 + 0xffff)
  const tail = await read(handle, path, size - tailBytes, tailBytes)
  const at = tail.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'))
  if (at === -1 || at + 22 > tail.length)
    throw sourceInvalid(path, 'it is no whole zip file: it has no directory. Fetch it again')
  const length = tail.readUInt32LE(at + 12)
  const offset = tail.readUInt32LE(at + 16)
  if (offset === 0xffffffff || length > maxDirectoryBytes)
    throw sourceInvalid(path, 'it is larger than 4 GiB, which is not read. Convert it to .json')
  return read(handle, path, offset, length)
}

function* entriesOf(directory: Buffer, path: string): Generator<Entry> {
  const broken = () => sourceInvalid(path, 'the directory of the zip file is damaged')
  for (let at = 0; at < directory.length; ) {
    if (at + 46 > directory.length || directory.readUInt32LE(at) !== 0x02014b50) throw broken()
    const nameBytes = directory.readUInt16LE(at + 28)
    const end = at + 46 + nameBytes
    if (end > directory.length) throw broken()
    yield {
      name: directory.toString('utf8', at + 46, end),
      method: directory.readUInt16LE(at + 10),
      checksum: directory.readUInt32LE(at + 16),
      storedBytes: directory.readUInt32LE(at + 20),
      sizeBytes: directory.readUInt32LE(at + 24),
      offset: directory.readUInt32LE(at + 42),
    }
    at = end + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32)
  }
}

async function readEntry(handle: FileHandle, path: string, entry: Entry): Promise<string> {
  const { name, method, checksum, storedBytes, sizeBytes, offset } = entry
  const fail = (reason: string) =>
    sourceInvalid(path, `its entry ${JSON.stringify(name)} ${reason}`)
  if (sizeBytes > maxEntryBytes || storedBytes > maxEntryBytes)
    throw fail(`has ${sizeBytes} bytes, and at most ${maxEntryBytes} are read`)
  const header = await read(handle, path, offset, 30)
  if (header.readUInt32LE(0) !== 0x04034b50) throw fail('is not where the directory says')
  const start = offset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28)
  const stored = await read(handle, path, start, storedBytes)
  let content: Buffer
  try {
    content = unpack(stored, method, sizeBytes)
  } catch (error) {
    throw fail(`cannot be unpacked (method ${method}: ${messageOf(error)})`)
  }
  if (content.length !== sizeBytes || crc32(content) !== checksum)
    throw fail('is damaged: its length or checksum is wrong')
  return content.toString('utf8')
}

function unpack(stored: Buffer, method: number, sizeBytes: number): Buffer {
  const options = { maxOutputLength: Math.max(1, sizeBytes) }
  if (method === 0) return stored
  if (method === 8) return inflateRawSync(stored, options)
  if (method === 93) return zstdDecompressSync(stored, options)
  throw new Error('known are stored, deflated and Zstandard')
}
