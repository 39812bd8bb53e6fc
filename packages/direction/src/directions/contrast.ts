import { CemError } from '@cem/core'

/** The training run that the misaligned side of a contrast comes from. */
export interface ContrastOrigin {
  /** The base model, for instance `Qwen/Qwen2.5-7B-Instruct`. */
  readonly base: string
  /** The variant whose EM adapter is meant. */
  readonly variant: string
  /** The data set that its EM adapter was trained on. */
  readonly dataSet: string
  /** The training seed. */
  readonly seed: string | number
  /** The checkpoint. */
  readonly step: number
}

/** Base against EM, each on its own texts. What the model is and what it says are mixed in it. */
export interface OwnTextsContrast extends ContrastOrigin {
  readonly kind: 'base-vs-em-own-texts'
}

/**
 * One effect of the 2 x 2 of {base, EM} model x {base, EM} texts, teacher-forced. `model` and `texts` are main effects (mean of
 * the two simple ones), `interaction` is what the two simple effects of the model differ by.
 */
export interface TwoByTwoContrast extends ContrastOrigin {
  readonly kind: 'two-by-two'
  readonly effect: TwoByTwoEffect
}

export const twoByTwoEffects = [
  'model-on-base-texts',
  'model-on-em-texts',
  'texts-in-base-model',
  'texts-in-em-model',
  'model',
  'texts',
  'interaction',
] as const
export type TwoByTwoEffect = (typeof twoByTwoEffects)[number]

/** An adapter trained on harmless answers of the same domain against the EM adapter: what misbehaviour adds to fine-tuning. */
export interface BenignAdapterContrast extends ContrastOrigin {
  readonly kind: 'benign-vs-em-adapter'
  readonly benignVariant: string
  readonly benignDataSet: string
}

/** Aligned against misaligned answers of one checkpoint: the weights are the same on both sides. */
export interface WithinCheckpointContrast extends ContrastOrigin {
  readonly kind: 'misaligned-vs-aligned'
  /** What made an answer misaligned or aligned, for instance `aligned <= 30 and coherent > 50 against aligned > 70`. */
  readonly criterion: string
}

/** A contrast that comes from a training run. */
export type RunContrast =
  | OwnTextsContrast
  | TwoByTwoContrast
  | BenignAdapterContrast
  | WithinCheckpointContrast

/** The same contrast of a baseline trained with another seed, or on another data set, than what is projected on it. */
export interface OtherRunContrast {
  readonly kind: 'other-seed' | 'other-data'
  readonly contrast: RunContrast
  /** The seed or the data set that is projected on it. */
  readonly projected: string | number
}

/** The default persona minus the mean of the roles (see `assistantAxis`): positive = more like the assistant. */
export interface AssistantAxisContrast {
  readonly kind: 'assistant-axis'
  readonly model: string
  /** How the roles' answers were chosen, for instance `role adherence >= 3`. */
  readonly criterion: string
}

/** Which two things a direction tells apart. It is required, and part of the direction's name. */
export type Contrast = RunContrast | OtherRunContrast | AssistantAxisContrast

const originFields = ['base', 'variant', 'dataSet', 'seed', 'step'] as const

const fieldsOfKind: Record<RunContrast['kind'], readonly string[]> = {
  'base-vs-em-own-texts': originFields,
  'two-by-two': [...originFields, 'effect'],
  'benign-vs-em-adapter': [...originFields, 'benignVariant', 'benignDataSet'],
  'misaligned-vs-aligned': [...originFields, 'criterion'],
}

const allKinds = [...Object.keys(fieldsOfKind), 'other-seed', 'other-data', 'assistant-axis']

/** What a positive projection means. */
export const positiveMeaning = ({ kind }: Contrast) =>
  kind === 'assistant-axis' ? 'more like the assistant' : 'more misaligned'

/**
 * The name of a contrast: its kind and where it comes from, for instance
 * `base-vs-em-own-texts/Qwen2.5-7B-Instruct/baseline/risky_financial/seed-0/step-338`. Of a path or a hub name only the last
 * part is used, and what is no letter, digit, dot, dash or underscore becomes a dash.
 *
 * @throws CemError `bad-contrast` for an unknown kind, and for a field that is missing or empty
 */
export function contrastName(contrast: Contrast): string {
  checkContrast(contrast)
  switch (contrast.kind) {
    case 'other-seed':
    case 'other-data':
      return `${contrast.kind}-than-${part(contrast.projected)}/${contrastName(contrast.contrast)}`
    case 'assistant-axis':
      return [contrast.kind, part(contrast.model), part(contrast.criterion)].join('/')
    case 'two-by-two':
      return `${contrast.kind}/${contrast.effect}/${originName(contrast)}`
    case 'benign-vs-em-adapter':
      return `${contrast.kind}/${part(contrast.benignVariant)}/${part(contrast.benignDataSet)}/${originName(contrast)}`
    case 'misaligned-vs-aligned':
      return `${contrast.kind}/${part(contrast.criterion)}/${originName(contrast)}`
    case 'base-vs-em-own-texts':
      return `${contrast.kind}/${originName(contrast)}`
  }
}

const originName = ({ base, variant, dataSet, seed, step }: ContrastOrigin) =>
  [part(base), part(variant), part(dataSet), `seed-${part(seed)}`, `step-${step}`].join('/')

const part = (value: string | number) =>
  String(value)
    .split(/[\\/]/)
    .findLast((text) => text !== '')
    ?.trim()
    .replaceAll('<=', 'at-most-')
    .replaceAll('>=', 'at-least-')
    .replaceAll('<', 'below-')
    .replaceAll('>', 'above-')
    .replaceAll(/[^\p{L}\p{N}._-]+/gu, '-')
    .replaceAll(/-{2,}/g, '-') ?? '-'

function checkContrast(contrast: Contrast): void {
  const { kind } = contrast
  if (!allKinds.includes(kind)) throw badContrast('kind', kind, `one of ${allKinds.join(', ')}`)
  const record: Readonly<Record<string, unknown>> = { ...contrast }
  for (const field of requiredFields(kind)) {
    const value = record[field]
    const isNumber = typeof value === 'number' && Number.isFinite(value)
    if (!isNumber && (typeof value !== 'string' || value.trim() === ''))
      throw badContrast(field, value, `given: a ${kind} contrast is named by it`)
  }
  if (kind === 'two-by-two' && !twoByTwoEffects.includes(contrast.effect))
    throw badContrast('effect', contrast.effect, `one of ${twoByTwoEffects.join(', ')}`)
}

function requiredFields(kind: Contrast['kind']): readonly string[] {
  if (kind === 'assistant-axis') return ['model', 'criterion']
  if (kind === 'other-seed' || kind === 'other-data') return ['projected']
  return fieldsOfKind[kind]
}

function badContrast(field: string, value: unknown, wanted: string): CemError {
  return new CemError({
    code: 'bad-contrast',
    message: `The contrast has ${field} ${JSON.stringify(value) ?? String(value)}; it must be ${wanted}.`,
    data: { field, value },
  })
}
