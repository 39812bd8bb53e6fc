import { z } from 'zod'

/** The first line of a label file. */
export interface LabelHeader {
  readonly type: 'labels'
  readonly version: 1
  /** The sample's, from which blind names are made. */
  readonly seed: number
  /** Blind names that are to be labelled. */
  readonly items: readonly string[]
  /** What is asked of each item. */
  readonly metrics: readonly string[]
}

/** What a person said of one item in one metric. The last line of an item, metric and labeller holds. */
export interface HumanLabel {
  readonly type: 'label'
  readonly item: string
  readonly metric: string
  /** On the scale of the judge's metric. Null: looked at, and cannot be rated. */
  readonly value: number | null
  /** Why it cannot be rated. */
  readonly reason?: string | undefined
  readonly labeller?: string | undefined
  /** ISO 8601, UTC. */
  readonly labelledAt: string
}

const name = z.string().min(1)

export const headerSchema = z.strictObject({
  type: z.literal('labels'),
  version: z.literal(1),
  seed: z.number(),
  items: z.array(name),
  metrics: z.array(name).min(1),
})

export const labelSchema = z.strictObject({
  type: z.literal('label'),
  item: name,
  metric: name,
  value: z.number().nullable(),
  reason: z.string().optional(),
  labeller: name.optional(),
  labelledAt: z.iso.datetime(),
})
