import { readFile } from 'node:fs/promises'
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { CemError, messageOf, openAtomic } from '@cem/core'
import { aesOverheadBytes, decryptEntry, encryptEntry } from './aes-entry.ts'

export interface ZipContent {
  /** Relative, with `/`. */
  readonly name: string
  readonly read: () => Promise<Uint8Array>
}

export interface LockedZipOptions {
  readonly password: string
  /** Stands in the file as it is, readable without the password. */
  readonly comment: string
}

const [localSignature, centralSignature, endSignature] = [0x04034b50, 0x02014b50, 0x06054b50]
/** AES-encrypted, after deflate. */
const [methodAes, methodDeflate] = [99, 8]
/** Encrypted; names in UTF-8. */
const flags = 0x0801
/** 1 January 1980, 12:00: the same content makes entries of the same time. */
const [dosTime, dosDate] = [0x6000, 0x0021]
const limitBytes = 0xffff_ffff

/**
 * Writes a zip file whose entries are encrypted with AES-256 (AE-2), as 7-Zip, macOS tools and Python's pyzipper open it. Names and
 * sizes stay readable. No entry and no file beyond 4 GiB, and one entry at a time is in memory.
 *
 * @throws CemError `bundle-too-large`, `file-write-failed`, and what reading an entry throws
 */
export async function writeLockedZip(
  path: string,
  contents: Iterable<ZipContent>,
  { password, comment }: LockedZipOptions,
): Promise<{ readonly sizeBytes: number }> {
  const file = await openAtomic(path)
  try {
    const directory: Buffer[] = []
    let offset = 0
    const write = async (bytes: Uint8Array) => {
      await file.handle.writeFile(bytes)
      offset += bytes.length
      if (offset > limitBytes) throw tooLarge(path)
    }
    for (const { name, read } of contents) {
      const content = await read()
      if (content.length > limitBytes) throw tooLarge(name)
      const sealed = encryptEntry(deflateRawSync(content), password)
      const entry = { name: Buffer.from(name), sizeBytes: content.length, sealed, offset }
      directory.push(centralHeader(entry))
      await write(localHeader(entry))
      await write(sealed)
    }
    const start = offset
    for (const header of directory) await write(header)
    await write(endRecord(directory.length, start, offset - start, Buffer.from(comment)))
    await file.commit()
    return { sizeBytes: offset }
  } catch (error) {
    await file.abort()
    throw error
  }
}

interface Entry {
  readonly name: Buffer
  readonly sizeBytes: number
  readonly sealed: Uint8Array
  readonly offset: number
}

/** What local and central headers share, from the version on. */
function commonFields({ name, sizeBytes, sealed }: Entry): Buffer {
  const fields = Buffer.alloc(26)
  fields.writeUInt16LE(51, 0)
  fields.writeUInt16LE(flags, 2)
  fields.writeUInt16LE(methodAes, 4)
  fields.writeUInt16LE(dosTime, 6)
  fields.writeUInt16LE(dosDate, 8)
  // Bytes 10 to 14 are the CRC, which AE-2 leaves 0: the HMAC is in its place.
  fields.writeUInt32LE(sealed.length, 14)
  fields.writeUInt32LE(sizeBytes, 18)
  fields.writeUInt16LE(name.length, 22)
  fields.writeUInt16LE(aesExtra.length, 24)
  return fields
}

/** Field 0x9901: AE-2, AES-256, and how the content was packed before. */
const aesExtra = Buffer.from([0x01, 0x99, 7, 0, 2, 0, 0x41, 0x45, 3, methodDeflate, 0])

function localHeader(entry: Entry): Buffer {
  return Buffer.concat([uint32(localSignature), commonFields(entry), entry.name, aesExtra])
}

function centralHeader(entry: Entry): Buffer {
  const rest = Buffer.alloc(14)
  rest.writeUInt32LE(0o100600 * 0x10000, 6)
  rest.writeUInt32LE(entry.offset, 10)
  // Made by: Unix, which has the mode above.
  const madeBy = Buffer.from([51, 3])
  return Buffer.concat([
    uint32(centralSignature),
    madeBy,
    commonFields(entry),
    rest,
    entry.name,
    aesExtra,
  ])
}

function endRecord(count: number, start: number, size: number, comment: Buffer): Buffer {
  if (count > 0xffff || comment.length > 0xffff) throw tooLarge(`${count} files`)
  const record = Buffer.alloc(22)
  record.writeUInt32LE(endSignature, 0)
  record.writeUInt16LE(count, 8)
  record.writeUInt16LE(count, 10)
  record.writeUInt32LE(size, 12)
  record.writeUInt32LE(start, 16)
  record.writeUInt16LE(comment.length, 20)
  return Buffer.concat([record, comment])
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

export interface LockedZip {
  readonly names: readonly string[]
  /** @throws CemError `bundle-password`, `bundle-damaged` */
  read(name: string): Uint8Array
}

/**
 * Opens a zip file that `writeLockedZip` wrote. It is read whole; a content is never unpacked beyond its declared size, and names that
 * leave the folder are refused.
 *
 * @throws CemError `bundle-damaged`
 */
export async function openLockedZip(path: string, password: string): Promise<LockedZip> {
  const bytes = await readFile(path)
  const fail = (problem: string, cause?: unknown) => damaged(path, problem, cause)
  const entries = new Map<string, FoundEntry>()
  for (const entry of readDirectory(bytes, fail)) {
    if (entries.has(entry.name)) throw fail(`it holds ${JSON.stringify(entry.name)} twice`)
    entries.set(entry.name, entry)
  }
  return {
    names: [...entries.keys()],
    read: (name) => {
      const entry = entries.get(name)
      if (entry === undefined) throw fail(`it holds no ${name}`)
      return readEntry(bytes, entry, password, path)
    },
  }
}

interface FoundEntry {
  readonly name: string
  readonly begin: number
  readonly sealedBytes: number
  readonly sizeBytes: number
}

type Fail = (problem: string, cause?: unknown) => CemError

function* readDirectory(bytes: Buffer, fail: Fail): Generator<FoundEntry> {
  const end = findEnd(bytes)
  if (end < 0) throw fail('it is no zip file, or it was cut off')
  const count = bytes.readUInt16LE(end + 10)
  let at = bytes.readUInt32LE(end + 16)
  for (let i = 0; i < count; i++) {
    if (at + 46 > end || bytes.readUInt32LE(at) !== centralSignature)
      throw fail('its directory is broken')
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((field) =>
      bytes.readUInt16LE(at + field),
    ) as [number, number, number]
    const name = bytes.toString('utf8', at + 46, at + 46 + nameBytes)
    checkName(name, fail)
    if (bytes.readUInt16LE(at + 10) !== methodAes) throw fail(`${name} is not encrypted with AES`)
    const offset = bytes.readUInt32LE(at + 42)
    if (offset + 30 > end || bytes.readUInt32LE(offset) !== localSignature)
      throw fail(`${name} is not where the directory says`)
    const begin = offset + 30 + bytes.readUInt16LE(offset + 26) + bytes.readUInt16LE(offset + 28)
    const sealedBytes = bytes.readUInt32LE(at + 20)
    if (begin + sealedBytes > end) throw fail(`${name} is cut off`)
    yield { name, begin, sealedBytes, sizeBytes: bytes.readUInt32LE(at + 24) }
    at += 46 + nameBytes + extraBytes + commentBytes
  }
}

/** From the end backwards, past a comment of up to 64 KiB. */
function findEnd(bytes: Buffer): number {
  const last = bytes.length - 22
  for (let at = last; at >= Math.max(0, last - 0xffff); at--)
    if (
      bytes.readUInt32LE(at) === endSignature &&
      at + 22 + bytes.readUInt16LE(at + 20) === bytes.length
    )
      return at
  return -1
}

function checkName(name: string, fail: Fail): void {
  const parts = name.split('/')
  const isSafe =
    name !== '' &&
    !/[\\:\p{Cc}]/u.test(name) &&
    parts.every((part) => part !== '' && part !== '.' && part !== '..')
  if (!isSafe) throw fail(`the name ${JSON.stringify(name)} leaves the folder`)
}

function readEntry(
  bytes: Buffer,
  { name, begin, sealedBytes, sizeBytes }: FoundEntry,
  password: string,
  path: string,
): Uint8Array {
  const decrypted = decryptEntry(bytes.subarray(begin, begin + sealedBytes), password)
  if (decrypted.status === 'wrong-password')
    throw new CemError({
      code: 'bundle-password',
      message: `The password does not open ${path}. Name the environment variable that holds the right one with --password-variable; bundles are locked with misaligned-organism unless another was given.`,
      data: { path },
    })
  if (decrypted.status !== 'open') throw damaged(path, `${name} was changed or damaged`)
  try {
    const content = inflateRawSync(decrypted.content, { maxOutputLength: Math.max(1, sizeBytes) })
    if (content.length === sizeBytes) return content
  } catch (error) {
    throw damaged(path, `${name} does not unpack (${messageOf(error)})`, error)
  }
  throw damaged(path, `${name} has another size than it says`)
}

export function damaged(path: string, problem: string, cause?: unknown): CemError {
  return new CemError({
    code: 'bundle-damaged',
    message: `${path} cannot be trusted: ${problem}. Get it again from where it comes from.`,
    data: { path },
    ...(cause === undefined ? {} : { cause }),
  })
}

function tooLarge(what: string): CemError {
  return new CemError({
    code: 'bundle-too-large',
    message: `${what} does not fit into a zip file (4 GiB, 65535 files). Leave out the activations, or bundle fewer cells.`,
    data: { what, aesOverheadBytes },
  })
}
