/** Encodings whose values stand in the data as they are drawn: colours, marks, dashes, px. */

export const stroke = { field: 'colour', type: 'nominal', scale: null } as const
export const fill = { field: 'fill', type: 'nominal', scale: null } as const
export const shape = { field: 'shape', type: 'nominal', scale: null } as const
export const strokeDash = { field: 'dash', type: 'nominal', scale: null } as const
export const textOf = { field: 'text', type: 'nominal' } as const

/** A distance from the left or top edge of the panel. */
export function px(field: string) {
  return { field, type: 'quantitative', scale: null, axis: null } as const
}

/** A value on the scale of the panel. */
export function scaled(field: string) {
  return { field, type: 'quantitative' } as const
}
