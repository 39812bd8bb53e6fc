import { CemError } from '@cem/core'
import { type Absent, absent } from '../absent.ts'
import { alignLayers } from '../directions/align-layers.ts'
import { auroc } from '../directions/auroc.ts'
import type { ContrastRows, SkippedRow } from '../directions/contrast-rows.ts'
import { timesVector } from '../directions/dense.ts'
import {
  displacementOf,
  roundingOfMeans,
  type Sample,
  sampleOf,
  spreadOf,
} from '../directions/sample.ts'
import { norm, shapeMismatch } from '../directions/vectors.ts'
import { checkWhole } from '../options.ts'
import { type NullBand, nullBand } from './null-band.ts'
import { type NullDraw, randomDisplacements, shuffledDisplacements } from './null-directions.ts'
import { checkVariance } from './random-directions.ts'

export interface SeparationControlsOptions {
  /** The rows that the mean-difference directions are made from, by layer. */
  readonly train: ReadonlyMap<number, ContrastRows>
  /** The answers that they are to tell apart, by the same layers: another data set, answers within one checkpoint. */
  readonly test: ReadonlyMap<number, ContrastRows>
  readonly seed: string | number
  /** Draws of each kind. @default 200, at least 20 */
  readonly nDraws?: number
  /** Share of draws within a band. @default 0.95 */
  readonly level?: number
}

/** AUROCs on the test answers; p is that of the distance from 0.5, in either direction. */
export interface SeparationBands {
  /** Beside directions made from the training rows with labels exchanged within questions. */
  readonly shuffled: NullBand
  /** Beside random directions of the training rows' covariance. */
  readonly random: NullBand
}

/**
 * Standardised gaps on the test answers: (mean of the scores with - mean without) / their pooled standard deviation within sides. Where
 * sides lie far apart, every direction that holds a little of their difference has an AUROC of 1; the gap still tells how much.
 */
export interface GapBands {
  readonly shuffled: NullBand | Absent
  readonly random: NullBand | Absent
}

export interface LayerSeparationControls extends SeparationBands {
  readonly layer: number
  readonly gap: GapBands
}

export interface SeparationControls {
  readonly layers: readonly LayerSeparationControls[]
  /** The AUROC furthest from 0.5 over layers, as its distance + 0.5, beside that of each draw. */
  readonly maximumOverLayers: SeparationBands & { readonly gap: GapBands }
  /** Questions in both: held out are the answers at best, not the questions. */
  readonly sharedQuestions: readonly string[]
  readonly skipped: { readonly train: readonly SkippedRow[]; readonly test: readonly SkippedRow[] }
  readonly questionsOnOneSide: readonly string[]
  readonly nDraws: number
  readonly seed: string | number
}

/**
 * Null bands for how well mean-difference directions tell other answers apart. Activations vary in few directions, so that even
 * random ones can separate answers: an AUROC counts where it lies outside their band. Exchanging labels within questions keeps how
 * questions differ in their shares, so that shuffled directions can lie close to the true one: look at `gap` where a band ends at 1.
 *
 * @throws CemError `layer-mismatch` unless train and test have the same layers and each the same responses at all, and what
 * `directionControls` throws
 */
export function separationControls({
  train,
  test,
  seed,
  nDraws = 200,
  level = 0.95,
}: SeparationControlsOptions): SeparationControls {
  checkWhole('nDraws', nDraws, 20)
  const ofTrain = alignLayers(train)
  const ofTest = alignLayers(test)
  checkSameLayers([...train.keys()], [...test.keys()])
  const perLayer = ofTrain.layers.map(([layer, rows], index) => {
    const [, testRows] = ofTest.layers[index] as (typeof ofTest.layers)[0]
    const sample = sampleOf(rows, { kept: ofTrain.kept, dModel: rows.without.dModel })
    const tested = sampleOf(testRows, { kept: ofTest.kept, dModel: testRows.without.dModel })
    return { layer, ...drawsAt(sample, tested, { layer, seed, nDraws }) }
  })
  const bandOf = (observed: number, draws: Float64Array) => bandAroundHalf(observed, draws, level)
  const maximum = (kind: 'shuffled' | 'random') => {
    const largest = new Float64Array(nDraws)
    for (const layer of perLayer)
      for (const [draw, value] of layer[kind].entries())
        largest[draw] = Math.max(largest[draw] as number, Math.abs(value - 0.5))
    const observed = Math.max(...perLayer.map((layer) => Math.abs(layer.observed - 0.5)))
    const { low, high, mean, ...band } = nullBand(observed, largest, { level, tail: 'upper' })
    return { ...band, observed: observed + 0.5, low: low + 0.5, high: high + 0.5, mean: mean + 0.5 }
  }
  const largestGap = (kind: keyof GapBands): NullBand | Absent => {
    const largest = new Float64Array(nDraws)
    for (const { gaps } of perLayer)
      for (const [draw, value] of gaps[kind].entries())
        largest[draw] = Math.max(largest[draw] as number, Math.abs(value))
    const observed = Math.max(...perLayer.map(({ gaps }) => Math.abs(gaps.observed)))
    return gapBand(observed, largest, level, 'upper')
  }
  const questions = new Set(ofTrain.kept.map(({ question }) => question))
  return {
    layers: perLayer.map(({ layer, observed, shuffled, random, gaps }) => ({
      layer,
      shuffled: bandOf(observed, shuffled),
      random: bandOf(observed, random),
      gap: {
        shuffled: gapBand(gaps.observed, gaps.shuffled, level),
        random: gapBand(gaps.observed, gaps.random, level),
      },
    })),
    maximumOverLayers: {
      shuffled: maximum('shuffled'),
      random: maximum('random'),
      gap: { shuffled: largestGap('shuffled'), random: largestGap('random') },
    },
    sharedQuestions: [...new Set(ofTest.kept.map(({ question }) => question))].filter((question) =>
      questions.has(question),
    ),
    skipped: { train: ofTrain.skipped, test: ofTest.skipped },
    questionsOnOneSide: perLayer[0]?.questionsOnOneSide ?? [],
    nDraws,
    seed,
  }
}

function gapBand(
  observed: number,
  draws: Float64Array,
  level: number,
  tail: 'two-sided' | 'upper' = 'two-sided',
): NullBand | Absent {
  if (![observed, ...draws].every(Number.isFinite))
    return absent('the scores do not vary within the sides, or there are fewer than 3')
  return nullBand(observed, draws, { level, tail })
}

function bandAroundHalf(observed: number, draws: Float64Array, level: number): NullBand {
  const band = nullBand(
    observed - 0.5,
    draws.map((draw) => draw - 0.5),
    { level },
  )
  return {
    ...band,
    observed,
    low: band.low + 0.5,
    high: band.high + 0.5,
    mean: band.mean + 0.5,
  }
}

function drawsAt(
  sample: Sample,
  tested: Sample,
  { layer, seed, nDraws }: { layer: number; seed: string | number; nDraws: number },
) {
  if (sample.dModel !== tested.dModel)
    throw shapeMismatch(
      `the training rows have dModel ${sample.dModel}, the test rows ${tested.dModel} (layer ${layer})`,
    )
  const displacement = displacementOf(sample)
  if (norm(displacement) <= roundingOfMeans * spreadOf(sample))
    throw new CemError({
      code: 'zero-direction',
      message: `The means of both sides of the training rows are equal (layer ${layer}): there is no direction. Was the EM adapter active?`,
      data: { layer },
    })
  checkVariance(sample)
  const { draw, questionsOnOneSide } = shuffledDisplacements(sample, seed)
  const drawn = (drawOne: NullDraw) => {
    const found = Array.from({ length: nDraws }, (_, index) =>
      separationAlong(tested, drawOne(index)),
    )
    return {
      aurocs: Float64Array.from(found, (one) => one.auroc),
      gaps: Float64Array.from(found, (one) => one.gap),
    }
  }
  const observed = separationAlong(tested, displacement)
  const shuffled = drawn(draw)
  const random = drawn(randomDisplacements(sample, seed))
  return {
    observed: observed.auroc,
    shuffled: shuffled.aurocs,
    random: random.aurocs,
    gaps: { observed: observed.gap, shuffled: shuffled.gaps, random: random.gaps },
    questionsOnOneSide,
  }
}

function separationAlong(
  { values, nRows, nColumns, labels }: Sample,
  vector: Float64Array,
): { readonly auroc: number; readonly gap: number } {
  const scores = timesVector(values, nRows, nColumns, vector)
  const of = (label: number) => scores.filter((_, row) => labels[row] === label)
  const [without, withEm] = [of(0), of(1)]
  // Both sides have rows (`alignLayers`), so the estimate is a number.
  return { auroc: Number(auroc(without, withEm).estimate), gap: standardisedGap(without, withEm) }
}

/** NaN for two rows, infinite where both sides are constant. */
function standardisedGap(without: Float64Array, withEm: Float64Array): number {
  const meanOf = (scores: Float64Array) =>
    scores.reduce((sum, score) => sum + score, 0) / scores.length
  const squaresOf = (scores: Float64Array, mean: number) =>
    scores.reduce((sum, score) => sum + (score - mean) ** 2, 0)
  const [a, b] = [meanOf(without), meanOf(withEm)]
  const squares = squaresOf(without, a) + squaresOf(withEm, b)
  return (b - a) / Math.sqrt(squares / (without.length + withEm.length - 2))
}

function checkSameLayers(train: readonly number[], test: readonly number[]): void {
  const sorted = (layers: readonly number[]) => layers.toSorted((a, b) => a - b).join(', ')
  if (sorted(train) === sorted(test)) return
  throw new CemError({
    code: 'layer-mismatch',
    message: `The training rows have layers [${sorted(train)}], the test rows [${sorted(test)}]; both need the same.`,
    data: { train, test },
  })
}
