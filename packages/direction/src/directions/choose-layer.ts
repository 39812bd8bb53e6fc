import { type Absent, isAbsent } from '../absent.ts'
import { checkWhole } from '../options.ts'
import type { BootstrapOptions } from '../statistics/cluster-bootstrap.ts'
import { alignLayers } from './align-layers.ts'
import { type Auroc, auroc } from './auroc.ts'
import { type Contrast, contrastName } from './contrast.ts'
import type { ContrastRows, KeptRow, SkippedRow } from './contrast-rows.ts'
import { checkMethod, type DirectionMethod } from './direction-method.ts'
import { dealQuestions, type Fold } from './folds.ts'
import { type HeldOutScores, heldOutScores } from './held-out-scores.ts'
import { sampleOf } from './sample.ts'
import { type Separation, separationOf } from './separation.ts'

export interface ChooseLayerOptions extends BootstrapOptions {
  /** Both sides by layer: the same responses at every layer. */
  readonly layers: ReadonlyMap<number, ContrastRows>
  /**
   * The same responses as means of their token embeddings: a direction made from these sees the words, not the model. An
   * absence, `{ absent: 'reason' }`, says that there is none, and stands in the result.
   */
  readonly baseline: ContrastRows | Absent
  readonly contrast: Contrast
  /** @default { kind: 'mean-difference' } */
  readonly method?: DirectionMethod
  /** Groups of questions, at least 3. @default 5 */
  readonly nFolds?: number
}

export interface LayerScore {
  readonly layer: number
  /** Of the scores of held-out questions. */
  readonly auroc: Auroc
  /**
   * Difference of the sides' mean held-out scores over their pooled standard deviation: it tells layers apart that all
   * separate perfectly.
   */
  readonly effectSize: number
}

export interface LayerFold extends Fold {
  /** The layer that the other folds chose, without any answer to these questions. */
  readonly chosenLayer: number
  readonly nRows: number
}

export interface LayerChoice {
  /** The layer with the largest held-out AUROC; of several, that with the largest effect size. */
  readonly layer: number
  /** Layers that share the largest AUROC. */
  readonly nTied: number
  /** By ascending layer. The largest of them is optimistic, since it was chosen: report `separation`. */
  readonly layers: readonly LayerScore[]
  /**
   * The whole procedure on held-out questions: each fold is scored at the layer that was chosen without it, by a direction
   * made without it.
   */
  readonly separation: Separation
  readonly folds: readonly LayerFold[]
  readonly contrast: string
  readonly method: DirectionMethod
  /** NaN rows at any layer or in the baseline: left out everywhere. */
  readonly skipped: readonly SkippedRow[]
  readonly seed: string | number
}

/**
 * Chooses a layer by cross-validation over QUESTIONS: no answer to a question is scored by a direction that was made from
 * answers to it, and each fold's layer is chosen without it (nested cross-validation), so that the AUROC beside the choice is
 * not the best of many.
 *
 * @throws CemError `too-few-questions`, `fold-without-side`, `layer-mismatch` where layers or the baseline hold other responses,
 * and what `makeDirection` throws
 */
export function chooseLayer({
  layers,
  baseline,
  contrast,
  method = { kind: 'mean-difference' },
  nFolds = 5,
  ...bootstrap
}: ChooseLayerOptions): LayerChoice {
  checkWhole('nFolds', nFolds, 3)
  checkMethod(method)
  const name = contrastName(contrast)
  const beside = isAbsent(baseline) ? [] : [{ name: 'The baseline', rows: baseline }]
  const aligned = alignLayers(layers, beside)
  const questionNames = [...new Set(aligned.kept.map(({ question }) => question))]
  const folds = dealQuestions(questionNames, nFolds, bootstrap.seed)
  const scores = new Map(
    aligned.layers.map(([layer, rows]) => [
      layer,
      scoresAt(rows, aligned.kept, folds, method, ` (layer ${layer})`, true),
    ]),
  )
  const ofBaseline = isAbsent(baseline)
    ? undefined
    : scoresAt(baseline, aligned.kept, folds, method, ' (the baseline)', false)
  const isWith = aligned.kept.map(({ side }) => side === 'with')
  const layerScores = Array.from(scores, ([layer, { byFold }]) => layerScore(layer, byFold, isWith))
  const layerFolds = folds.map((fold, index) => layerFold(fold, index, scores, isWith))
  const best = bestOf(layerScores)
  const separation = separationOf(
    aligned.kept.map(({ question }, row) => {
      const foldIndex = ofFold(scores, row)
      const chosen = layerFolds[foldIndex]?.chosenLayer ?? best.layer
      return {
        question,
        isWith: isWith[row] as boolean,
        score: scores.get(chosen)?.byFold[row] as number,
        baselineScore: ofBaseline?.byFold[row] ?? Number.NaN,
      }
    }),
    isAbsent(baseline) ? baseline : undefined,
    bootstrap,
  )
  return {
    layer: best.layer,
    nTied: layerScores.filter(({ auroc: { estimate } }) => estimate === best.auroc.estimate).length,
    layers: layerScores,
    separation,
    folds: layerFolds,
    contrast: name,
    method,
    skipped: aligned.skipped,
    seed: bootstrap.seed,
  }
}

const ofFold = (scores: ReadonlyMap<number, HeldOutScores>, row: number) =>
  scores.values().next().value?.foldOf[row] as number

function layerFold(
  fold: Fold,
  index: number,
  scores: ReadonlyMap<number, HeldOutScores>,
  isWith: readonly boolean[],
): LayerFold {
  const candidates = Array.from(scores, ([layer, { withoutFold }]) =>
    layerScore(layer, withoutFold[index] as Float64Array, isWith),
  )
  const [first] = scores.values()
  const nRows = first?.foldOf.reduce((count, of) => count + (of === index ? 1 : 0), 0) ?? 0
  return { ...fold, chosenLayer: bestOf(candidates).layer, nRows }
}

/** NaN scores (rows of the fold that is held out) are left out. */
function layerScore(layer: number, scores: Float64Array, isWith: readonly boolean[]): LayerScore {
  const of = (side: boolean) =>
    scores.filter((score, row) => isWith[row] === side && !Number.isNaN(score))
  const without = of(false)
  const withEm = of(true)
  return { layer, auroc: auroc(without, withEm), effectSize: effectSizeOf(without, withEm) }
}

function effectSizeOf(without: Float64Array, withEm: Float64Array): number {
  const a = momentsOf(without)
  const b = momentsOf(withEm)
  const pooled = (a.squares + b.squares) / (without.length + withEm.length)
  if (pooled > 0) return (b.mean - a.mean) / Math.sqrt(pooled)
  return b.mean === a.mean ? 0 : Math.sign(b.mean - a.mean) * Number.POSITIVE_INFINITY
}

function momentsOf(values: Float64Array): { mean: number; squares: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return { mean, squares: values.reduce((sum, value) => sum + (value - mean) ** 2, 0) }
}

function bestOf(scores: readonly LayerScore[]): LayerScore {
  const value = ({ auroc: { estimate } }: LayerScore) => (isAbsent(estimate) ? -1 : estimate)
  return scores.reduce((best, score) => {
    const gain = value(score) - value(best)
    return gain > 0 || (gain === 0 && score.effectSize > best.effectSize) ? score : best
  })
}

function scoresAt(
  rows: ContrastRows,
  kept: readonly KeptRow[],
  folds: readonly Fold[],
  method: DirectionMethod,
  place: string,
  isNested: boolean,
): HeldOutScores {
  const sample = sampleOf(rows, { kept, dModel: rows.without.dModel })
  return heldOutScores({ sample, folds, method, place, isNested })
}
