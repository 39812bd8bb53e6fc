import type { CemError } from '@cem/core'
import { dtypes, isDtype } from './dtypes.ts'
import { JsonReader } from './json-reader.ts'
import { nameProblem, quote } from './names.ts'
import { byteLengthOf, formatShape, maxRank, shapeProblem } from './shape.ts'
import type { TensorSpec } from './tensor.ts'

/** A tensor of a safetensors file. */
export interface TensorInfo extends TensorSpec {
  readonly name: string
  /** Where its data begins, in bytes from the start of the FILE (8 + header + data_offsets[0]). */
  readonly byteOffset: number
  readonly byteLength: number
}

export interface SafetensorsHeader {
  /** The file's `__metadata__`, `{}` where it has none. */
  readonly metadata: Readonly<Record<string, string>>
  /** In the order of their data. */
  readonly tensors: ReadonlyMap<string, TensorInfo>
  /** The size that the file must have. */
  readonly fileBytes: number
}

/**
 * Parses the JSON of a safetensors header and checks all of it: keys, dtypes, shapes, and that the tensors lie one after
 * another with no gap and no overlap.
 *
 * @param dataStart bytes before the data, which `byteOffset` counts from the start of the file.
 * @param fail makes the error to throw.
 */
export function parseSafetensorsHeader(
  text: string,
  dataStart: number,
  fail: (problem: string) => CemError,
): SafetensorsHeader {
  const json = new JsonReader(text, (problem) =>
    fail(`its header is not as it must be: ${problem}`),
  )
  let metadata: Readonly<Record<string, string>> = {}
  const infos: TensorInfo[] = []
  json.object((name) => {
    if (name === '__metadata__') metadata = readMetadata(json)
    else infos.push(readTensorInfo(json, name, dataStart, fail))
  })
  json.end()
  // Empty tensors share their offset with the tensor after them, so they sort first.
  infos.sort((a, b) => a.byteOffset - b.byteOffset || a.byteLength - b.byteLength)
  return {
    metadata,
    tensors: new Map(infos.map((info) => [info.name, info])),
    fileBytes: checkLayout(infos, dataStart, fail),
  }
}

function readMetadata(json: JsonReader): Readonly<Record<string, string>> {
  // Without a prototype, so that a key like `__proto__` is a key like any other.
  const metadata: Record<string, string> = Object.create(null)
  json.object((key) => {
    metadata[key] = json.string()
  })
  return metadata
}

function readTensorInfo(
  json: JsonReader,
  name: string,
  dataStart: number,
  fail: (problem: string) => CemError,
): TensorInfo {
  const about = `tensor ${quote(name)}`
  const problem = nameProblem(name)
  if (problem) throw fail(`the name of ${about} ${problem}`)
  let dtype: string | undefined
  let shape: number[] | undefined
  let offsets: number[] | undefined
  json.object((key) => {
    if (key === 'dtype') dtype = json.string()
    else if (key === 'shape') shape = readNumbers(json, maxRank + 1)
    else if (key === 'data_offsets') offsets = readNumbers(json, 3)
    else throw fail(`${about} has the key ${quote(key)}; dtype, shape and data_offsets are allowed`)
  })
  if (dtype === undefined) throw fail(`${about} has no dtype`)
  if (!isDtype(dtype))
    throw fail(`${about} has the dtype ${quote(dtype)}; known are ${dtypes.join(', ')}`)
  if (shape === undefined) throw fail(`${about} has no shape`)
  const badShape = shapeProblem(shape)
  if (badShape) throw fail(`${about} ${badShape}`)
  const [start, end, more] = offsets ?? []
  if (start === undefined || end === undefined || more !== undefined || end < start)
    throw fail(`${about} needs data_offsets [start, end] with start <= end`)
  const expected = byteLengthOf(dtype, shape)
  if (end - start !== expected)
    throw fail(
      `${about} has the shape ${formatShape(shape)} and dtype ${dtype}, which is ${expected} bytes, but its data_offsets [${start}, ${end}] hold ${end - start}`,
    )
  return { name, dtype, shape, byteOffset: dataStart + start, byteLength: end - start }
}

/** Reads an array of whole numbers, and stops storing at `limit`, where it is wrong already. */
function readNumbers(json: JsonReader, limit: number): number[] {
  const numbers: number[] = []
  json.array(() => {
    const value = json.wholeNumber()
    if (numbers.length < limit) numbers.push(value)
  })
  return numbers
}

/** Checks that sorted tensors follow one another; returns where the last one ends. */
function checkLayout(
  sorted: readonly TensorInfo[],
  dataStart: number,
  fail: (problem: string) => CemError,
): number {
  let end = dataStart
  let previous: TensorInfo | undefined
  for (const info of sorted) {
    if (info.byteOffset !== end) {
      const after = previous ? `tensor ${quote(previous.name)}` : 'the header'
      throw fail(
        info.byteOffset < end
          ? `tensor ${quote(info.name)} overlaps ${after} by ${end - info.byteOffset} bytes`
          : `there is a gap of ${info.byteOffset - end} bytes between ${after} and tensor ${quote(info.name)}`,
      )
    }
    end = info.byteOffset + info.byteLength
    previous = info
  }
  return end
}
