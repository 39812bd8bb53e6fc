import { CemError } from '@cem/core'
import { type Absent, absent } from '../absent.ts'
import { type ActivationRows, countRows, isEmptyRow } from './activation-rows.ts'
import { contrastName, type TwoByTwoContrast, type TwoByTwoEffect } from './contrast.ts'
import { checkLayer } from './direction.ts'
import { meanOfRows } from './mean-activation.ts'
import { norm, subtract } from './vectors.ts'

/** Teacher-forced activations of one layer: two models, each on the texts of both. Rows of one text stand in the same place. */
export interface TwoByTwoOptions {
  readonly baseModelBaseTexts: ActivationRows
  readonly baseModelEmTexts: ActivationRows
  readonly emModelBaseTexts: ActivationRows
  readonly emModelEmTexts: ActivationRows
  readonly layer: number
  /** Where the four come from; the effects are filled in. */
  readonly contrast: Omit<TwoByTwoContrast, 'effect'>
}

export interface TwoByTwoDirection {
  readonly effect: TwoByTwoEffect
  readonly name: string
  readonly contrast: TwoByTwoContrast
  /** Unit norm, shape [dModel]; absent where the effect is 0. */
  readonly vector: Float32Array | Absent
  /** In the unit of the activations. */
  readonly displacementNorm: number
}

export interface TwoByTwo {
  readonly effects: Readonly<Record<TwoByTwoEffect, TwoByTwoDirection>>
  /** Rows in the means of each text. */
  readonly nBaseTexts: number
  readonly nEmTexts: number
  /** Rows that are NaN under either model: left out under both. */
  readonly nSkipped: number
}

/**
 * What base-against-EM on their own texts mixes, taken apart: the effect of the model on the same texts, the effect of the texts
 * in the same model, their main effects and interaction, each as a mean-difference direction with its length. The model's effect
 * is (EM - base) and positive = more misaligned; the texts' is (EM texts - base texts).
 *
 * @throws CemError `shape-mismatch` where the two models have other numbers of rows for the same texts, `no-rows`, `bad-contrast`, `bad-option`,
 * `partial-nan`, `not-finite`
 */
export function twoByTwoDirections(options: TwoByTwoOptions): TwoByTwo {
  checkLayer(options.layer)
  const base = pairedMeans('base texts', options.baseModelBaseTexts, options.emModelBaseTexts)
  const em = pairedMeans('EM texts', options.baseModelEmTexts, options.emModelEmTexts)
  const half = (a: Float64Array, b: Float64Array) => a.map((v, i) => (v + (b[i] as number)) / 2)
  const modelOnBase = subtract(base.emModel, base.baseModel)
  const modelOnEm = subtract(em.emModel, em.baseModel)
  const textsInBase = subtract(em.baseModel, base.baseModel)
  const textsInEm = subtract(em.emModel, base.emModel)
  const of = (effect: TwoByTwoEffect, displacement: Float64Array): TwoByTwoDirection => {
    const contrast = { ...options.contrast, effect }
    const length = norm(displacement)
    return {
      effect,
      name: `${contrastName(contrast)}/mean-difference/layer-${options.layer}`,
      contrast,
      vector:
        length === 0
          ? absent('the effect is exactly 0: was the EM adapter active?')
          : Float32Array.from(displacement, (value) => value / length),
      displacementNorm: length,
    }
  }
  return {
    effects: {
      'model-on-base-texts': of('model-on-base-texts', modelOnBase),
      'model-on-em-texts': of('model-on-em-texts', modelOnEm),
      'texts-in-base-model': of('texts-in-base-model', textsInBase),
      'texts-in-em-model': of('texts-in-em-model', textsInEm),
      model: of('model', half(modelOnBase, modelOnEm)),
      texts: of('texts', half(textsInBase, textsInEm)),
      interaction: of('interaction', subtract(modelOnEm, modelOnBase)),
    },
    nBaseTexts: base.n,
    nEmTexts: em.n,
    nSkipped: base.nSkipped + em.nSkipped,
  }
}

/** Means of both models over the texts that are finite under both. */
function pairedMeans(texts: string, baseModel: ActivationRows, emModel: ActivationRows) {
  const { dModel } = baseModel
  const names = { base: `the base model on ${texts}`, em: `the EM model on ${texts}` }
  const nRows = countRows(names.base, baseModel.rows, dModel)
  const nOther = countRows(names.em, emModel.rows, emModel.dModel)
  if (emModel.dModel !== dModel || nOther !== nRows)
    throw new CemError({
      code: 'shape-mismatch',
      message: `${names.base} has shape [${nRows}, ${dModel}], ${names.em} [${nOther}, ${emModel.dModel}]; both need the same texts in the same order.`,
      data: { texts, base: [nRows, dModel], em: [nOther, emModel.dModel] },
    })
  const isKept = Array.from(
    { length: nRows },
    (_, row) =>
      !isEmptyRow(names.base, baseModel.rows, dModel, row) &&
      !isEmptyRow(names.em, emModel.rows, dModel, row),
  )
  const of = (name: string, { rows }: ActivationRows) =>
    meanOfRows(name, {
      rows: rows.map((value, i) => (isKept[Math.floor(i / dModel)] ? value : Number.NaN)),
      dModel,
    })
  const base = of(names.base, baseModel)
  return {
    baseModel: base.mean,
    emModel: of(names.em, emModel).mean,
    n: base.n,
    nSkipped: base.nSkipped,
  }
}
