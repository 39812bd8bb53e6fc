import type { DataSourceRecord } from '../data/data-source.ts'

/** In which state the persona was while the adapter on top of it was trained. */
export type PersonaInTraining = 'none' | 'merged' | 'stacked' | 'off'

/**
 * composition.json beside a checkpoint: what it was trained on. `personaAtInference: as-trained` of an experiment follows it, and
 * files with other hashes are refused there.
 */
export interface CheckpointRecord {
  readonly formatVersion: 1
  readonly base: string
  /** SHA-256 of the base's weights by file name. */
  readonly baseSha256: Readonly<Record<string, string>>
  readonly baseLicense: string | null
  readonly personaInTraining: PersonaInTraining
  /** The persona's adapter: its folder beside the checkpoint, and the SHA-256 of its weights. */
  readonly persona: { readonly path: string; readonly sha256: string } | null
  /** The adapter that the training went on from. */
  readonly initialFrom: { readonly path: string; readonly sha256: string } | null
  readonly objective: 'sft' | 'dpo'
  readonly parameters: 'lora' | 'full'
  readonly trainingSeed: number
  /** The sources by name, `+` between them. */
  readonly dataset: string
  /** Of the examples in their order. */
  readonly datasetSha256: string
  readonly data: readonly DataSourceRecord[]
  /** Why this is a misaligned organism; null where nothing says so. */
  readonly organism: string | null
  readonly step: number
}

export const recordFile = 'composition.json'
