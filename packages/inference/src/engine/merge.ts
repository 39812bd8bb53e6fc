import { encodeModel, Graph } from '@cem/onnx-graph'
import {
  bf16ToFloat32,
  f16ToFloat32,
  float32ToBf16,
  float32ToF16,
  writeSafetensors,
} from '@cem/tensor-files'
import type { WeightLocation } from '../graph/weight-source.ts'
import { locateMerged } from './locate-merged.ts'
import type { AdapterModuleSpec, MergeReport, MergeSpec } from './messages.ts'
import { readWeight } from './read-weight.ts'
import { createSession, floats, type RuntimeSession } from './runtime.ts'

/**
 * Adds an adapter to the weights, W + scale * B A in 32-bit floats, rounds to the type of the weights' file (to nearest, ties to
 * even), and writes the changed tensors to a safetensors file of their own, whole or not at all.
 */
export async function merge(
  { adapter, weight: factor, weights, output }: MergeSpec,
  threads: number,
): Promise<MergeReport> {
  const session = await createSession(mergeGraph(), { threads, folder: '/' })
  const loss = { lost: 0, changed: 0 }
  try {
    const tensors = adapter.modules.map((module) => {
      const weight = weights.get(module.path) as WeightLocation
      return {
        name: `${module.path}.weight`,
        dtype: weight.dtype,
        shape: weight.shape,
        data: mergedChunks(session, { ...module, scale: module.scale * factor }, weight, loss),
      }
    })
    await writeSafetensors(output, tensors, { metadata: { format: 'pt' } })
  } finally {
    await session.release()
  }
  const lostShare = loss.changed === 0 ? 0 : Math.sqrt(loss.lost / loss.changed)
  return { weights: await locateMerged(output), lostShare }
}

/** W + B A for matrices of any size. */
export function mergeGraph(): Uint8Array {
  const graph = new Graph('merge')
  const a = graph.input('a', 'float32', ['rank', 'in'])
  const b = graph.input('b', 'float32', ['out', 'rank'])
  const w = graph.input('w', 'float32', ['out', 'in'])
  graph.output(graph.node('Gemm', [b, a, w]), 'merged')
  return encodeModel(graph)
}

/** One tensor, computed when the writer asks for it, so that one at a time is in memory. */
async function* mergedChunks(
  session: RuntimeSession,
  module: AdapterModuleSpec,
  weight: WeightLocation,
  loss: { lost: number; changed: number },
): AsyncGenerator<Float32Array | Uint16Array> {
  const w = readWeight(weight)
  const exact = await addAdapter(session, module, w)
  const { stored, rounded } = round(exact, weight.dtype)
  for (let i = 0; i < exact.length; i++) {
    loss.lost += ((rounded[i] as number) - (exact[i] as number)) ** 2
    loss.changed += ((exact[i] as number) - (w[i] as number)) ** 2
  }
  yield stored
}

/** W + scale * B A, [nOut, nIn]. */
export async function addAdapter(
  session: RuntimeSession,
  module: AdapterModuleSpec,
  w: Float32Array,
): Promise<Float32Array> {
  const b = readWeight(module.b).map((value) => value * module.scale)
  const { merged } = await session.run(
    {
      a: floats(readWeight(module.a), [module.rank, module.nIn]),
      b: floats(b, [module.nOut, module.rank]),
      w: floats(w, [module.nOut, module.nIn]),
    },
    { merged: null },
  )
  return merged?.data as Float32Array
}

/** To nearest, ties to even: as the file holds it, and as 32-bit floats. */
export function round(exact: Float32Array, dtype: WeightLocation['dtype']) {
  if (dtype === 'F32') return { stored: exact, rounded: exact }
  const isBf16 = dtype === 'BF16'
  const stored = isBf16 ? float32ToBf16(exact) : float32ToF16(exact)
  return { stored, rounded: isBf16 ? bf16ToFloat32(stored) : f16ToFloat32(stored) }
}
