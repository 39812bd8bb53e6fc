import { CemError } from '@cem/core'

/** What a variant needs to get its style; rows of any figure will do. */
export interface StyledRow {
  readonly variant: string
  /** The group that the variant belongs to. Variants of one condition share a colour. */
  readonly condition?: string | undefined
  /** The persona that the variant has. Variants of one persona share a mark. */
  readonly persona?: string | undefined
}

/** A mark of Vega's symbol shapes. */
export type MarkShape = (typeof shapes)[number]

/** How one variant looks in every figure. */
export interface VariantStyle {
  readonly variant: string
  /** Place in the order of first appearance, from 0. */
  readonly index: number
  /** `#rrggbb` */
  readonly colour: string
  readonly shape: MarkShape
  /** Dashes and gaps of the line in px; empty is a solid line. */
  readonly dash: readonly number[]
  /** Marks are outlines: a control. @default false */
  readonly isHollow?: boolean
}

/** Styles by variant, in the order of first appearance. */
export type VariantStyles = ReadonlyMap<string, VariantStyle>

/**
 * Eight colours that people with each kind of colour blindness tell apart: the set of Okabe and Ito, "Color universal design"
 * (2008), but for its yellow, which is hardly seen on white; the wine red of Paul Tol's "muted" scheme (SRON/EPS/TN/09-002)
 * takes its place. Smallest CIEDE2000 difference of two of them: 22 as they are, and 12, 12 and 10.8 as seen with protanopia,
 * deuteranopia and tritanopia (Machado, Oliveira and Fernandes 2009).
 */
export const palette: readonly string[] = [
  '#0072b2',
  '#d55e00',
  '#009e73',
  '#cc79a7',
  '#e69f00',
  '#56b4e9',
  '#882255',
  '#000000',
]

const shapes = [
  'circle',
  'square',
  'triangle-up',
  'diamond',
  'triangle-down',
  'cross',
  'triangle-right',
  'triangle-left',
] as const

const dashes: readonly (readonly number[])[] = [[], [9, 3], [9, 3, 2, 3], [5, 2]]

/**
 * Gives every variant its colour, mark and dash, in order of first appearance. Compute it once from the rows of the whole
 * experiment and hand it to each figure, so that a variant looks the same in all of them.
 *
 * Condition is colour and persona is mark where rows state them. Without a condition each variant has its own colour, from the
 * ninth on a colour returns with another mark and dash; without a persona, variants of one colour differ in mark and dash.
 * 256 variants can be told apart.
 *
 * @throws CemError `plot-row-invalid` where a variant is not text, or has two conditions or two personas
 */
export function variantStyles(rows: readonly StyledRow[]): VariantStyles {
  const facts = variantFacts(rows)
  const conditions = indexed(facts.map((f) => f.condition ?? f))
  const personas = indexed(facts.flatMap((f) => f.persona ?? []))
  const users = new Map<string, VariantStyle[]>()
  const styles = new Map<string, VariantStyle>()
  for (const [index, fact] of facts.entries()) {
    const group = conditions.get(fact.condition ?? fact) ?? 0
    const colour = palette[group % palette.length] ?? '#000000'
    const alike = users.get(colour) ?? []
    const persona = fact.persona === undefined ? undefined : personas.get(fact.persona)
    const look =
      persona === undefined ? nextLook(group, alike) : personaLook(shapeAt(persona), alike)
    const style: VariantStyle = { variant: fact.variant, index, colour, ...look }
    users.set(colour, [...alike, style])
    styles.set(fact.variant, style)
  }
  return styles
}

/** @throws CemError `plot-variant-unknown` */
export function styleOf(styles: VariantStyles, variant: string): VariantStyle {
  const style = styles.get(variant)
  if (style !== undefined) return style
  const known = [...styles.keys()]
  throw new CemError({
    code: 'plot-variant-unknown',
    message:
      `Variant ${JSON.stringify(variant)} has no style. Styles are given for ` +
      `${known.map((v) => JSON.stringify(v)).join(', ') || 'no variant'}: ` +
      'make them with variantStyles(rows) from the rows of all figures.',
    data: { variant, known },
  })
}

interface Look {
  readonly shape: MarkShape
  readonly dash: readonly number[]
}

/** The first mark and dash that no variant of the colour has; both change from one variant to the next. */
function nextLook(start: number, alike: readonly Look[]): Look {
  let look: Look = { shape: shapeAt(start), dash: [] }
  for (let k = 0; k < shapes.length * dashes.length; k++) {
    look = { shape: shapeAt(start + k), dash: dashAt(k + Math.floor(k / shapes.length)) }
    if (!alike.some((other) => other.shape === look.shape && other.dash === look.dash)) break
  }
  return look
}

/** The mark of a persona is fixed, so only the dash can tell replicates apart. */
function personaLook(shape: MarkShape, alike: readonly Look[]): Look {
  return { shape, dash: dashAt(alike.filter((other) => other.shape === shape).length) }
}

function shapeAt(index: number): MarkShape {
  return shapes[index % shapes.length] ?? 'circle'
}

function dashAt(index: number): readonly number[] {
  return dashes[index % dashes.length] ?? []
}

interface VariantFact {
  readonly variant: string
  condition?: string | undefined
  persona?: string | undefined
}

function variantFacts(rows: readonly StyledRow[]): VariantFact[] {
  const facts = new Map<string, VariantFact>()
  for (const [i, row] of rows.entries()) {
    if (typeof row.variant !== 'string')
      throw new CemError({
        code: 'plot-row-invalid',
        message: `Row ${i}: variant is ${String(row.variant)}; it has to be text.`,
        data: { index: i, variant: row.variant },
      })
    const fact = facts.get(row.variant) ?? { variant: row.variant }
    for (const key of ['condition', 'persona'] as const) settle(fact, key, row[key], i)
    facts.set(row.variant, fact)
  }
  return [...facts.values()]
}

/** Rows may leave a fact out, but not contradict each other. */
function settle(
  fact: VariantFact,
  key: 'condition' | 'persona',
  value: string | undefined,
  index: number,
): void {
  const known = fact[key]
  if (known !== undefined && value !== undefined && known !== value)
    throw new CemError({
      code: 'plot-row-invalid',
      message:
        `Row ${index}: variant ${JSON.stringify(fact.variant)} has the ${key} ${JSON.stringify(value)}, an earlier row ` +
        `says ${JSON.stringify(known)}. A variant has one ${key}: give the series different names.`,
      data: { index, variant: fact.variant, [key]: value },
    })
  fact[key] ??= value
}

/** The place of each distinct item in order of first appearance. */
function indexed<T>(items: readonly T[]): ReadonlyMap<T, number> {
  return new Map([...new Set(items)].map((item, index) => [item, index]))
}
