import { type FileHandle, open } from 'node:fs/promises'
import { CemError } from '@cem/core'
import {
  bf16ToFloat32,
  f16ToFloat32,
  type TensorToWrite,
  writeSafetensors,
} from '@cem/tensor-files'
import type { WeightLocation } from '../graph/weight-source.ts'
import { blockScales, quantizeRows } from '../precision/quantize-rows.ts'
import { partNames } from '../precision/quantized-weight.ts'
import type { QuantizeSpec } from './messages.ts'

/** Bytes of a weight that are in memory at once. */
const chunkBytes = 8 * 2 ** 20

const widths = { F32: 4, F16: 2, BF16: 2 } as const

/**
 * Quantizes weights into a safetensors file of their own, whole or not at all. A few rows are in memory at a time; the
 * file's layout (scales of all weights first) makes each weight read twice.
 *
 * @throws CemError `weights-not-finite`, `file-write-failed`; `signal.reason`
 */
export async function quantize(
  { weights, output, blockSize, metadata }: QuantizeSpec,
  signal: AbortSignal,
): Promise<void> {
  const tensors = [...weights].flatMap(([name, location]) => tensorsOf(name, location, blockSize))
  await writeSafetensors(output, tensors, { metadata, signal })
}

function tensorsOf(name: string, location: WeightLocation, blockSize: number): TensorToWrite[] {
  const [nOut, nIn] = location.shape as [number, number]
  const nBlocks = Math.ceil(nIn / blockSize)
  const names = partNames(name)
  const sizes = { nIn, blockSize }
  // The writer asks for a weight's values right before its zero points, which are few: they are kept in between.
  let zeroPoints: Uint8Array[] = []
  const scalesOf = (rows: Float32Array) => blockScales(rows, sizes) ?? fail(name, location.file)
  return [
    {
      name: names.scales,
      dtype: 'F32',
      shape: [nOut, nBlocks],
      data: mapRows(location, scalesOf),
    },
    {
      name: names.values,
      dtype: 'U8',
      shape: [nOut, nBlocks, blockSize],
      data: mapRows(location, (rows) => {
        const chunk = quantizeRows(rows, scalesOf(rows), sizes)
        zeroPoints.push(chunk.zeroPoints)
        return chunk.values
      }),
    },
    {
      name: names.zeroPoints,
      dtype: 'U8',
      shape: [nOut, nBlocks],
      data: (function* () {
        yield* zeroPoints
        zeroPoints = []
      })(),
    },
  ]
}

/** Reads a weight a few rows at a time, in 32-bit floats, when the result is asked for. */
async function* mapRows<T>(
  location: WeightLocation,
  make: (rows: Float32Array) => T,
): AsyncGenerator<T> {
  const [nOut, nIn] = location.shape as [number, number]
  const rowBytes = nIn * widths[location.dtype]
  const rowsAtOnce = Math.max(1, Math.floor(chunkBytes / rowBytes))
  const file = await open(location.file, 'r')
  try {
    for (let row = 0; row < nOut; row += rowsAtOnce) {
      const size = Math.min(rowsAtOnce, nOut - row) * rowBytes
      const bytes = await readBytes(file, location, row * rowBytes, size)
      yield make(toFloats(bytes, location.dtype))
    }
  } finally {
    await file.close()
  }
}

async function readBytes(
  file: FileHandle,
  location: WeightLocation,
  offset: number,
  size: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(size)
  for (let done = 0; done < size; ) {
    const at = location.byteOffset + offset + done
    const { bytesRead } = await file.read(bytes, done, size - done, at)
    if (bytesRead === 0) throw new Error(`${location.file} ended while it was quantized`)
    done += bytesRead
  }
  return bytes
}

function toFloats(bytes: Uint8Array<ArrayBuffer>, dtype: WeightLocation['dtype']): Float32Array {
  if (dtype === 'F32') return new Float32Array(bytes.buffer)
  const words = new Uint16Array(bytes.buffer)
  return dtype === 'BF16' ? bf16ToFloat32(words) : f16ToFloat32(words)
}

function fail(tensor: string, path: string): never {
  throw new CemError({
    code: 'weights-not-finite',
    message: `The tensor ${tensor} in ${path} holds NaN or infinite numbers, so it was not quantized. The file is damaged, or a merged adapter has diverged.`,
    data: { path, tensor },
  })
}
