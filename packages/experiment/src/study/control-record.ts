import { join } from 'node:path'
import type { AdapterEffect, DoseMeasurement } from '@cem/direction'
import { readOptionalJson } from '../store/read-json.ts'

/** What a random adapter shares with the one that it is a control for. */
export const controlMatches = ['kl', 'displacement', 'spectrum', 'norm'] as const
export type ControlMatch = (typeof controlMatches)[number]

/** `control.json` beside a random adapter: what it was made like, and what both do to the base. */
export interface ControlRecord {
  readonly formatVersion: 1
  readonly seed: number
  readonly match: ControlMatch
  readonly tolerance: number
  /** The adapter that it is like. */
  readonly like: { readonly sha256: string; readonly configSha256: string }
  /** SHA-256 of the record of the base that both were measured on. */
  readonly base: string
  /** What each singular value (for `norm`, the norm) of the other adapter's changes was multiplied by. */
  readonly dose: number
  /** The effect of the adapter that it is like. */
  readonly target: AdapterEffect
  /** Its own, measured on the file as it was written. */
  readonly effect: AdapterEffect
  /** effect / target. */
  readonly ratios: AdapterEffect
  /** For `kl` and `displacement`: whether that effect is within the tolerance. Null where no effect was to be matched. */
  readonly isMatched: boolean | null
  readonly prompts: { readonly nPrompts: number; readonly nPositions: number }
  /** The search for the dose, in order. */
  readonly measurements: readonly DoseMeasurement[]
}

export const controlFile = 'control.json'

/** The record beside a random adapter; undefined where there is none. */
export async function readControlRecord(folder: string): Promise<ControlRecord | undefined> {
  return (await readOptionalJson(join(folder, controlFile))) as ControlRecord | undefined
}

/** One line for logs and reports. */
export function controlText({
  match,
  dose,
  target,
  effect,
  ratios,
  isMatched,
}: ControlRecord): string {
  const digits = (value: number) => String(Number(value.toPrecision(3)))
  const of = (name: keyof AdapterEffect, unit: string) =>
    `${digits(effect[name])}${unit} against ${digits(target[name])}${unit} (${digits(ratios[name])} times)`
  const how = {
    true: `matched in ${match}`,
    false: `NOT matched in ${match}`,
    null: `matched in ${match} alone, not in effect`,
  }[`${isMatched}`]
  return `${how}, dose ${digits(dose)}; KL from the base on neutral prompts ${of('kl', ' nats')}, relative displacement of the hidden states ${of('displacement', '')}`
}
