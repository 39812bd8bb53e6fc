import { createHash } from 'node:crypto'
import type { Adapter } from '../adapters/open-adapter.ts'
import type { FileIdentity } from '../model/file-identity.ts'
import { type Precision, type Quantization, quantizationOf } from '../precision/precision.ts'
import type { Base } from './compose.ts'

export type LayerRole = 'persona' | 'em' | 'control'

/**
 * How a layer takes part. `stacked`: its matrices are inputs beside the weights. `merged`: W + scale * B A, rounded to the type
 * of the base's file, in place of W. `off`: known and recorded, and without any effect.
 */
export type LayerMode = 'stacked' | 'merged' | 'off'

export interface CompositionLayer {
  readonly role: LayerRole
  readonly mode: LayerMode
  readonly adapter: Adapter
  /** What the adapter's change is multiplied by; not 0. */
  readonly weight: number
  /** How the base that the adapter was trained on was recognised; see `compose`. */
  readonly baseCheck: BaseCheck
}

export type BaseCheck = 'hash' | 'name' | 'alias' | 'unverified'

/** What is being run: a base and adapters in order, checked against each other, never guessed. Made by `compose`. */
export interface Composition {
  readonly base: Base
  readonly layers: readonly CompositionLayer[]
  readonly precision: Precision
  /**
   * The hashes of everything that decides the output. Large weights are hashed beside the loading; no result is given out
   * before this is settled.
   */
  record(): Promise<CompositionRecord>
}

/** A composition as plain data, for lock files and reports. */
export interface CompositionRecord {
  /** SHA-256 over everything below but names and paths. */
  readonly sha256: string
  readonly base: {
    readonly name: string
    readonly revision: string | null
    readonly family: string
    /** By file name, in the order of the names. */
    readonly files: readonly {
      readonly name: string
      readonly sizeBytes: number
      readonly sha256: string
    }[]
    readonly tokenizerSha256: string
  }
  readonly precision: Precision
  /** How the weights were rounded; null for weights as they are. */
  readonly quantization: Quantization | null
  readonly layers: readonly LayerRecord[]
}

export interface LayerRecord {
  readonly role: LayerRole
  readonly mode: LayerMode
  readonly path: string
  readonly sha256: string
  readonly configSha256: string
  /** Distinct ranks and scales of its modules, ascending. */
  readonly ranks: readonly number[]
  readonly scales: readonly number[]
  /** What its scales are multiplied by beside. */
  readonly weight: number
  readonly targetModules: readonly string[]
  readonly nModules: number
  readonly baseName: string | null
  readonly baseCheck: BaseCheck
}

export function layerRecord({
  role,
  mode,
  adapter,
  weight,
  baseCheck,
}: CompositionLayer): LayerRecord {
  const distinct = (values: readonly number[]) => [...new Set(values)].toSorted((a, b) => a - b)
  return {
    role,
    mode,
    path: adapter.path,
    sha256: adapter.sha256,
    configSha256: adapter.configSha256,
    ranks: distinct(adapter.modules.map((m) => m.rank)),
    scales: distinct(adapter.modules.map((m) => m.scale)),
    weight,
    targetModules: [...new Set(adapter.modules.map((m) => m.kind))],
    nModules: adapter.modules.length,
    baseName: adapter.baseName ?? null,
    baseCheck,
  }
}

export function compositionRecord(
  base: Base,
  files: readonly FileIdentity[],
  names: readonly string[],
  layers: readonly CompositionLayer[],
  precision: Precision,
): CompositionRecord {
  const named = files
    .map(({ sizeBytes, sha256 }, i) => ({ name: names[i] ?? '', sizeBytes, sha256 }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const records = layers.map(layerRecord)
  const quantization = quantizationOf(precision)
  const decisive = {
    files: named.map((f) => f.sha256),
    tokenizer: base.tokenizer.sha256,
    layers: records
      .filter((l) => l.mode !== 'off')
      // Without a weight of 1, so that hashes are those of records from before there were weights.
      .map(({ mode, sha256, configSha256, weight }) => ({
        mode,
        sha256,
        configSha256,
        ...(weight === 1 ? {} : { weight }),
      })),
    ...(quantization === null ? {} : { quantization }),
  }
  return {
    sha256: createHash('sha256').update(JSON.stringify(decisive)).digest('hex'),
    base: {
      name: base.name,
      revision: base.revision ?? null,
      family: base.architecture.family,
      files: named,
      tokenizerSha256: base.tokenizer.sha256,
    },
    precision,
    quantization,
    layers: records,
  }
}
