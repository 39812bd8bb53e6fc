import { createHash } from 'node:crypto'
import { directionSha256, normOf } from './direction.ts'
import type { Intervention, InterventionPositions } from './intervention.ts'

/** An intervention as plain data: its numbers, and its direction's hash in place of the direction. */
export interface InterventionRecord {
  readonly kind: Intervention['kind']
  readonly layers: readonly number[]
  readonly positions: InterventionPositions
  /** SHA-256 of the direction's float32 values, little-endian, as given. */
  readonly directionSha256: string
  readonly directionNorm: number
  readonly coefficient?: number
  readonly normalize?: boolean
  readonly mean?: number
  readonly limit?: number
  readonly side?: 'above' | 'below'
}

export interface InterventionsRecord {
  /** SHA-256 of the list below as JSON; null where nothing is done. Results carry it as `interventionsSha256`. */
  readonly sha256: string | null
  /** In the order in which they act. */
  readonly interventions: readonly InterventionRecord[]
}

/** What was done to a model, for lock files, reports and lookups of a result's `interventionsSha256`. */
export function interventionsRecord(interventions: readonly Intervention[]): InterventionsRecord {
  const records = interventions.map(recordOf)
  return { sha256: sha256Of(records), interventions: records }
}

/** The hash of each list. Many lists mostly share their interventions, whose directions are hashed once. */
export function interventionHashes(lists: readonly (readonly Intervention[])[]): (string | null)[] {
  const known = new Map<Intervention, InterventionRecord>()
  const recordOnce = (intervention: Intervention) => {
    const record = known.get(intervention) ?? recordOf(intervention)
    known.set(intervention, record)
    return record
  }
  return lists.map((list) => sha256Of(list.map(recordOnce)))
}

function sha256Of(records: readonly InterventionRecord[]): string | null {
  if (records.length === 0) return null
  return createHash('sha256').update(JSON.stringify(records)).digest('hex')
}

function recordOf(intervention: Intervention): InterventionRecord {
  const { kind, layers, direction, positions = 'all' } = intervention
  return {
    kind,
    layers: [...layers],
    positions,
    directionSha256: directionSha256(direction),
    directionNorm: normOf(direction),
    ...numbersOf(intervention),
  }
}

function numbersOf(intervention: Intervention) {
  switch (intervention.kind) {
    case 'add':
      return { coefficient: intervention.coefficient, normalize: intervention.normalize !== false }
    case 'ablate':
      return {}
    case 'mean-ablate':
      return { mean: intervention.mean }
    case 'cap':
      return { limit: intervention.limit, side: intervention.side }
  }
}
