import { closeSync, openSync, writeSync } from 'node:fs'
import { CemError } from '@cem/core'
import type { WeightLocation } from '../graph/weight-source.ts'
import { addAdapter, mergeGraph, round } from './merge.ts'
import type { AdapterModuleSpec, MergedTensor, MergeIntoSpec } from './messages.ts'
import { readWeight } from './read-weight.ts'
import { createSession, type RuntimeSession } from './runtime.ts'

export interface MergeIntoHooks {
  readonly onItem: (item: MergedTensor) => Promise<void>
  readonly signal: AbortSignal
}

/**
 * Merges layers into weights, one tensor at a time, and writes each over its place in a file. Each layer's sum is made in
 * 32-bit floats and rounded to the type of the file before the next one.
 *
 * @throws CemError `merge-overflow`, `file-write-failed`
 */
export async function mergeInto(
  { layers, tensors, threads }: MergeIntoSpec,
  { onItem, signal }: MergeIntoHooks,
): Promise<void> {
  const session = await createSession(mergeGraph(), { threads, folder: '/' })
  try {
    for (const { path, from, to } of tensors) {
      signal.throwIfAborted()
      const modules = layers.flatMap(({ adapter, weight }) => {
        const module = adapter.modules.find((m) => m.path === path)
        return module === undefined ? [] : { ...module, scale: module.scale * weight }
      })
      const { stored, ...norms } = await mergeModules(session, modules, from, to.dtype)
      writeOver(to, stored, path)
      await onItem({ path, ...norms })
      // The loops above block the thread: let an abort in.
      await new Promise((resolve) => setImmediate(resolve))
    }
  } finally {
    await session.release()
  }
}

async function mergeModules(
  session: RuntimeSession,
  modules: readonly AdapterModuleSpec[],
  from: WeightLocation,
  dtype: WeightLocation['dtype'],
) {
  const base = readWeight(from)
  let exact = base
  let result = { ...round(base, dtype) }
  for (const [i, module] of modules.entries()) {
    const before = i === 0 ? base : result.rounded
    // Without rounding on the way: what the layers together were meant to change.
    exact = await addAdapter(session, module, exact)
    result = round(i === 0 ? exact : await addAdapter(session, module, before), dtype)
  }
  return { stored: result.stored, ...changeAndLoss(base, exact, result.rounded) }
}

function changeAndLoss(base: Float32Array, exact: Float32Array, rounded: Float32Array) {
  let changed = 0
  let lost = 0
  for (let i = 0; i < base.length; i++) {
    changed += ((exact[i] as number) - (base[i] as number)) ** 2
    lost += ((rounded[i] as number) - (exact[i] as number)) ** 2
  }
  return { changed, lost }
}

function writeOver(to: WeightLocation, data: Float32Array | Uint16Array, path: string): void {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  if (bytes.byteLength !== to.byteLength)
    throw new Error(`${path} has ${bytes.byteLength} bytes, and its place ${to.byteLength}`)
  checkFinite(data, to, path)
  const file = openSync(to.file, 'r+')
  try {
    for (let done = 0; done < bytes.byteLength; )
      done += writeSync(file, bytes, done, bytes.byteLength - done, to.byteOffset + done)
  } catch (cause) {
    throw new CemError({
      code: 'file-write-failed',
      message: `Could not write ${to.file}. Free some space on its disk, and run again.`,
      data: { path: to.file, reason: (cause as NodeJS.ErrnoException).code },
      cause,
    })
  } finally {
    closeSync(file)
  }
}

/** Exponent bits of the two-byte types, all ones in NaN and infinities. */
const exponents = { F16: 0x7c00, BF16: 0x7f80 } as const

function checkFinite(
  data: Float32Array | Uint16Array,
  { dtype }: WeightLocation,
  path: string,
): void {
  const mask = dtype === 'F32' ? 0 : exponents[dtype]
  const isBad = (value: number) =>
    dtype === 'F32' ? !Number.isFinite(value) : (value & mask) === mask
  if (!data.some(isBad)) return
  throw new CemError({
    code: 'merge-overflow',
    message: `The merged weight ${path} holds numbers that ${dtype} cannot. Lower the layer's weight, or export in another type.`,
    data: { path, dtype },
  })
}
