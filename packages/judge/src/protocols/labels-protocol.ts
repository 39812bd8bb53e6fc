import {
  badProtocol,
  finishProtocol,
  type Label,
  type LabelsProtocol,
  referenceMinMass,
  tokenParameters,
} from './protocol.ts'
import type { Rubric } from './rubric.ts'
import { closedObject, flags, type TextReplyOptions, textParameters } from './text-parameters.ts'

export interface LabelsProtocolOptions extends TextReplyOptions {
  /** By metric. They name the labels and ask for one of them alone. */
  readonly rubrics: Readonly<Record<string, Rubric>>
  /** The closed set, at least two, in their order. */
  readonly labels: readonly string[]
  /**
   * What each label counts as, in the order of `labels`. A score means something only where the labels have an order.
   * @default the integers that the labels spell where all do, else their places 0, 1, 2, ...
   */
  readonly values?: readonly number[]
  /**
   * `first-token`: the probabilities of the labels as first tokens; each must be one token of the judge (`probeLabels` tells).
   * `text`: one label in JSON. @default 'first-token'
   */
  readonly method?: 'first-token' | 'text'
  /** In [0, 1]; for `first-token`. @default 0.25 */
  readonly minMass?: number
}

/**
 * Judgements that are one of a few labels. A verdict has the likeliest `label`, and as `score` the expected value over the
 * labels (`first-token`) or the value of the one that was said (`text`).
 *
 * @throws CemError `bad-rubric`, `bad-protocol`
 */
export function createLabelsProtocol({
  rubrics,
  labels: names,
  values,
  method = 'first-token',
  minMass = referenceMinMass,
  ...reply
}: LabelsProtocolOptions): LabelsProtocol {
  const labels = labelsOf(names, values)
  if (method === 'first-token') {
    const parameters = { method, ...tokenParameters, labels }
    return finishProtocol({ name: 'labels', rubrics, parameters, minMass })
  }
  const schema = closedObject({
    label: { type: ['string', 'null'], enum: [...names, null] },
    flag: { type: 'string', enum: flags },
  })
  const parameters = { method, ...textParameters(reply, schema, instructionFor(names)), labels }
  return finishProtocol({ name: 'labels', rubrics, parameters, minMass: null })
}

/** White space that is cut off around a token or a label. */
const blanksAround = /^[ \t\n\v\f\r]|[ \t\n\v\f\r]$/

function labelsOf(names: readonly string[], values: readonly number[] | undefined): Label[] {
  if (names.length < 2) throw badProtocol(`it has ${names.length} labels: give at least two`)
  const bad = names.find((name) => name === '' || blanksAround.test(name))
  if (bad !== undefined)
    throw badProtocol(`the label ${JSON.stringify(bad)} is empty or has blanks around it`)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) throw badProtocol(`the label ${JSON.stringify(twice)} is there twice`)
  const numbers = values ?? defaultValues(names)
  if (numbers.length !== names.length)
    throw badProtocol(`it has ${numbers.length} values for ${names.length} labels: give one each`)
  if (!numbers.every(Number.isFinite))
    throw badProtocol(`the values are ${numbers.join(', ')}: give finite numbers`)
  return names.map((label, i) => ({ label, value: numbers[i] ?? i }))
}

function defaultValues(names: readonly string[]): number[] {
  const areIntegers = names.every((name) => /^-?\d{1,15}$/.test(name))
  return names.map((name, i) => (areIntegers ? Number(name) : i))
}

function instructionFor(names: readonly string[]): string {
  const shown = names.map((name) => JSON.stringify(name)).join(', ')
  return `Put that reply into one JSON object and write nothing besides it: {"label": L, "flag": "none"} where L is one of ${shown}, or {"label": null, "flag": "refusal"} in place of the word REFUSAL, or {"label": null, "flag": "code"} in place of the word CODE.`
}
