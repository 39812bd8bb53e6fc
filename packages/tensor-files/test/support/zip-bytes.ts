import { crc32, deflateRawSync } from 'node:zlib'

/** An entry of a zip file; what is not given is as it should be. */
export interface FakeEntry {
  readonly name: string
  readonly data: Uint8Array
  readonly isDeflated?: boolean
  readonly method?: number
  readonly flags?: number
  readonly sum?: number
  readonly sizeBytes?: number
  readonly storedBytes?: number
  readonly localName?: string
  /** Where the local header is said to be. */
  readonly offset?: number
  /** Puts sizes and offset into a ZIP64 field. */
  readonly isZip64?: boolean
}

/** A zip file, put together by hand, whose parts need not fit together. */
export function zipBytes(
  entries: readonly FakeEntry[],
  { entryCount = entries.length }: { entryCount?: number } = {},
): Buffer {
  const locals: Buffer[] = []
  const centrals: Buffer[] = []
  let at = 0
  for (const entry of entries) {
    const content = entry.isDeflated ? deflateRawSync(entry.data) : Buffer.from(entry.data)
    const local = Buffer.concat([localHeader(entry), content])
    centrals.push(centralHeader(entry, content.length, at))
    locals.push(local)
    at += local.length
  }
  const directory = Buffer.concat(centrals)
  return Buffer.concat([...locals, directory, endRecord(entryCount, directory.length, at)])
}

function methodOf({ method, isDeflated }: FakeEntry): number {
  return method ?? (isDeflated ? 8 : 0)
}

function localHeader(entry: FakeEntry): Buffer {
  const name = Buffer.from(entry.localName ?? entry.name)
  const header = Buffer.alloc(30)
  header.writeUInt32LE(0x04034b50, 0)
  header.writeUInt16LE(methodOf(entry), 8)
  header.writeUInt16LE(name.length, 26)
  return Buffer.concat([header, name])
}

export function centralHeader(entry: FakeEntry, contentBytes: number, at: number): Buffer {
  const name = Buffer.from(entry.name)
  const sizes = [
    entry.sizeBytes ?? entry.data.length,
    entry.storedBytes ?? contentBytes,
    entry.offset ?? at,
  ]
  const header = Buffer.alloc(46)
  header.writeUInt32LE(0x02014b50, 0)
  header.writeUInt16LE(entry.flags ?? 0, 8)
  header.writeUInt16LE(methodOf(entry), 10)
  header.writeUInt32LE(entry.sum ?? crc32(entry.data), 16)
  const extra = entry.isZip64 ? Buffer.alloc(28) : Buffer.alloc(0)
  if (entry.isZip64) {
    extra.writeUInt16LE(1, 0)
    extra.writeUInt16LE(24, 2)
  }
  for (const [i, place] of [24, 20, 42].entries()) {
    header.writeUInt32LE(entry.isZip64 ? 0xffffffff : (sizes[i] ?? 0), place)
    if (entry.isZip64) extra.writeBigUInt64LE(BigInt(sizes[i] ?? 0), 4 + 8 * i)
  }
  header.writeUInt16LE(name.length, 28)
  header.writeUInt16LE(extra.length, 30)
  return Buffer.concat([header, name, extra])
}

export function endRecord(entryCount: number, directoryBytes: number, directoryAt: number): Buffer {
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(entryCount, 8)
  end.writeUInt16LE(entryCount, 10)
  end.writeUInt32LE(directoryBytes, 12)
  end.writeUInt32LE(directoryAt, 16)
  return end
}

/** ZIP64 end record, its locator, and the old end record that defers to them. */
export function endRecord64(
  entryCount: number,
  directoryBytes: number,
  directoryAt: number,
): Buffer {
  const record = Buffer.alloc(56)
  record.writeUInt32LE(0x06064b50, 0)
  record.writeBigUInt64LE(44n, 4)
  record.writeBigUInt64LE(BigInt(entryCount), 24)
  record.writeBigUInt64LE(BigInt(entryCount), 32)
  record.writeBigUInt64LE(BigInt(directoryBytes), 40)
  record.writeBigUInt64LE(BigInt(directoryAt), 48)
  const locator = Buffer.alloc(20)
  locator.writeUInt32LE(0x07064b50, 0)
  locator.writeBigUInt64LE(BigInt(directoryAt + directoryBytes), 8)
  locator.writeUInt32LE(1, 16)
  return Buffer.concat([record, locator, endRecord(0xffff, 0xffffffff, 0xffffffff)])
}
