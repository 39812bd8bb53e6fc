import { closeSync, openSync, readSync } from 'node:fs'
import { bf16ToFloat32, f16ToFloat32 } from '@cem/tensor-files'
import type { WeightLocation } from '../graph/weight-source.ts'

/** The numbers of a weight in its file, as float32. */
export function readWeight(location: WeightLocation): Float32Array {
  const file = openSync(location.file, 'r')
  try {
    return readFloats(file, location)
  } finally {
    closeSync(file)
  }
}

/** The same of a file that is open. */
export function readFloats(file: number, location: WeightLocation): Float32Array {
  const bytes = new Uint8Array(location.byteLength)
  for (let done = 0; done < bytes.byteLength; ) {
    const n = readSync(file, bytes, done, bytes.byteLength - done, location.byteOffset + done)
    if (n === 0) throw new Error(`${location.file} ended while it was read`)
    done += n
  }
  if (location.dtype === 'F32') return new Float32Array(bytes.buffer)
  const words = new Uint16Array(bytes.buffer)
  return location.dtype === 'BF16' ? bf16ToFloat32(words) : f16ToFloat32(words)
}
