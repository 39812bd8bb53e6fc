import { readFileSync } from 'node:fs'

/** Arguments of a function, then its value. */
type Case = readonly number[]
type Bounds = readonly [number, number]

/** A statistic with the standard error and the interval of the jackknife over questions. */
export interface JackknifeCase {
  estimate: number
  standardError: number
  interval: Bounds
}

/** Question, judge's value, human's value. */
export type JudgedCase = [question: string, judge: number, human: number | null]

type Measurement = 'nominal' | 'ordinal' | 'interval'

/** What make_golden.py wrote. */
export interface Golden {
  distributions: Record<
    | 'studentTwoSidedP'
    | 'studentCdf'
    | 'studentQuantile'
    | 'normalCdf'
    | 'normalQuantile'
    | 'noncentralStudentCdf',
    Case[]
  >
  rate: {
    ones: number[]
    sizes: number[]
    estimate: number
    estimatedDesignEffect: number
    designEffect: number
    interval: Bounds
    intervalWithoutPrior: Bounds
  }[]
  meanByQuestion: { values: number[]; interval: Bounds }
  paired: {
    a: number[]
    b: number[]
    t: number
    p: number
    interval: Bounds
    signFlip?: number
    equivalenceAtOneFifth: number
  }[]
  crossed: {
    cells: [question: number, seed: number, value: number][]
    estimate: number
    twoWay: number
    questions: number
    seeds: number
    degreesOfFreedom: number
    interval: Bounds
    p: number
  }[]
  families: { p: number[]; benjaminiHochberg: number[]; holm: number[] }
  power: {
    minimum: { nQuestions: number; power: number; effect: number }[]
    power: { nQuestions: number; effect: number; power: number }[]
  }
  components: {
    vectors: number[][]
    explainedVariance: number[]
    explainedVarianceRatio: number[]
    components: number[][]
    scores: number[][]
  }
  directions: {
    without: number[][]
    with: number[][]
    checkpoint: number[][]
    vector: number[]
    displacementNorm: number
    rowProjections: number[]
    projection: number
    rawCosine: number
    projectionFromBase: number
    cosine: number
    checkpointDisplacementNorm: number
    relativeProjection: number
  }
  quantiles: { values: number[]; at: [share: number, value: number][] }
  scale: Record<'chiSquareQuantile' | 'twoOneSidedPower', Case[]>
  twoJudges: {
    a: number[]
    b: number[]
    questions: string[]
    spearman: JackknifeCase
    kappa: Record<'none' | 'linear' | 'quadratic', JackknifeCase>
    alpha: Record<Measurement, JackknifeCase>
  }
  tables: ({ columns: (number | null)[][] } & Record<Measurement, number>)[]
  powered: {
    rates: {
      rows: JudgedCase[]
      estimate: number
      lambda: number
      standardError: number
      interval: Bounds
      independentStandardError: number
      labelsStandardError: number
    }[]
    contrast: {
      a: JudgedCase[]
      b: JudgedCase[]
      estimate: number
      standardError: number
      p: number
      lambdas: number[]
    }
    roganGladen: JackknifeCase
  }
  noise: {
    draws: [question: string, a: number, b: number][]
    removed: JackknifeCase
    samplingVariance: [paired: number, unpaired: number]
    standardError: [paired: number, unpaired: number]
  }
  questionsNeeded: { effect: number; alpha: number; nQuestions: number }[]
}

export const golden = JSON.parse(
  readFileSync(new URL('golden.json', import.meta.url), 'utf8'),
) as Golden
