import type { CemError } from '@cem/core'
import type { ByteReader } from './byte-reader.ts'
import type { Dtype } from './dtypes.ts'
import { quote } from './names.ts'
import { parseNpyDict } from './npy-dict.ts'
import { byteLengthOf, shapeProblem } from './shape.ts'
import type { TensorSpec } from './tensor.ts'

/** What the header of an npy array says. */
export interface NpyHeader extends TensorSpec {
  readonly isBigEndian: boolean
  /** Column-major: the FIRST index is fastest. */
  readonly isFortranOrder: boolean
  /** Bytes before the data. */
  readonly headerBytes: number
  /** Bytes of the data. */
  readonly byteLength: number
}

export type NpyFailure = 'npy-invalid' | 'npy-truncated' | 'npy-unsupported'
export type NpyFail = (code: NpyFailure, problem: string) => CemError

const dtypeOfDescr: Readonly<Record<string, Dtype>> = {
  b1: 'BOOL',
  i1: 'I8',
  i2: 'I16',
  i4: 'I32',
  i8: 'I64',
  u1: 'U8',
  u2: 'U16',
  u4: 'U32',
  u8: 'U64',
  f2: 'F16',
  f4: 'F32',
  f8: 'F64',
}

/** What can be written as npy. */
export const npyDtypes: readonly Dtype[] = Object.values(dtypeOfDescr)

const magic = '\x93NUMPY'

/** numpy itself reads at most 10,000 characters unless told to trust the file; version 1.0 ends at 65,535. */
const maxDictBytes = 65_535

/**
 * Reads the header of an npy array (versions 1.0, 2.0, 3.0) and checks it; nothing of it is ever evaluated.
 *
 * @param reader at the start of the array; afterwards at its data.
 * @param availableBytes how much there is to read, header and data.
 * @param fail makes the error to throw.
 */
export async function readNpyHeader(
  reader: ByteReader,
  availableBytes: number,
  fail: NpyFail,
): Promise<NpyHeader> {
  const read = async (length: number, before: number) => {
    if (before + length > availableBytes)
      throw fail(
        'npy-truncated',
        `it ends within its header, after ${availableBytes} bytes of at least ${before + length}`,
      )
    const bytes = Buffer.alloc(length)
    await reader.readInto(bytes)
    return bytes
  }
  const start = await read(8, 0)
  if (start.toString('latin1', 0, 6) !== magic)
    throw fail('npy-invalid', 'it does not begin as an npy array does')
  const [major = 0, minor = 0] = start.subarray(6)
  if (![1, 2, 3].includes(major) || minor !== 0)
    throw fail(
      'npy-unsupported',
      `it is of format version ${major}.${minor}; 1.0, 2.0 and 3.0 can be read`,
    )
  const lengthBytes = major === 1 ? 2 : 4
  const dictBytes = (await read(lengthBytes, 8)).readUIntLE(0, lengthBytes)
  if (dictBytes > maxDictBytes)
    throw fail(
      'npy-invalid',
      `it announces a header of ${dictBytes} bytes, and at most ${maxDictBytes} are allowed`,
    )
  const dict = decode(await read(dictBytes, 8 + lengthBytes), major, fail)
  return { ...interpret(dict, fail), headerBytes: 8 + lengthBytes + dictBytes }
}

function decode(bytes: Buffer, major: number, fail: NpyFail): string {
  if (major < 3) return bytes.toString('latin1')
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw fail('npy-invalid', 'its header is not UTF-8')
  }
}

function interpret(text: string, fail: NpyFail): Omit<NpyHeader, 'headerBytes'> {
  const { descr, fortranOrder, shape } = parseNpyDict(text, fail)
  const [, order, kind = ''] = /^([<>|])([a-z]\d+)$/.exec(descr) ?? []
  const dtype = Object.hasOwn(dtypeOfDescr, kind) ? dtypeOfDescr[kind] : undefined
  if (!dtype || (order === '|' && !kind.endsWith('1')))
    throw fail(
      'npy-unsupported',
      `its elements are of numpy type ${quote(descr)}; ${Object.keys(dtypeOfDescr).join(', ')} with < or > before them can be read. Convert it with astype() in numpy`,
    )
  const badShape = shapeProblem(shape)
  if (badShape) throw fail('npy-invalid', `it ${badShape}`)
  const byteLength = byteLengthOf(dtype, shape)
  if (!Number.isSafeInteger(byteLength))
    throw fail('npy-invalid', `its shape (${shape.join(', ')}) is more than 2^53 - 1 bytes`)
  const isBigEndian = order === '>' && !kind.endsWith('1')
  return { dtype, shape, isBigEndian, isFortranOrder: fortranOrder, byteLength }
}

/** The header that numpy itself would write for a little-endian, row-major array, version 1.0. */
export function encodeNpyHeader({ dtype, shape }: TensorSpec): Uint8Array {
  const [kind = ''] = Object.entries(dtypeOfDescr).find(([, known]) => known === dtype) ?? []
  const descr = `${kind.endsWith('1') ? '|' : '<'}${kind}`
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`
  const dict = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${tuple}, }`
  // numpy leaves room to rewrite the first axis with 21 digits, and aligns the data to 64 bytes.
  const room = shape.length > 0 ? 21 - String(shape[0]).length : 0
  const length = Math.ceil((10 + dict.length + room + 1) / 64) * 64
  const header = Buffer.alloc(length, ' ')
  header.write(`${magic}\x01\x00`, 0, 'latin1')
  header.writeUInt16LE(length - 10, 8)
  header.write(dict, 10, 'latin1')
  header.write('\n', length - 1, 'latin1')
  return header
}
