import { z } from 'zod'

/** Something that is asked of each item, with the scale of the judge's metric of that name. */
export interface LabelMetric {
  readonly name: string
  /** The least value that a label may have. */
  readonly least: number
  readonly most: number
}

/** The first line of a label file. */
export interface LabelHeader {
  readonly type: 'labels'
  readonly version: 1
  /** The sample's, from which blind names are made. */
  readonly seed: number
  /** Blind names that are to be labelled. */
  readonly items: readonly string[]
  /** What is asked of each item. */
  readonly metrics: readonly LabelMetric[]
}

/** What a person said of one item in one metric. The last line of an item, metric and labeller holds. */
export interface HumanLabel {
  readonly type: 'label'
  readonly item: string
  readonly metric: string
  /** On the scale of its metric. Null: looked at, and cannot be rated. */
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
  metrics: z.array(z.strictObject({ name, least: z.number(), most: z.number() })).min(1),
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
