import { readFileSync } from 'node:fs'

/** Arguments of a function, then its value. */
type Case = readonly number[]
type Bounds = readonly [number, number]

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
}

export const golden = JSON.parse(
  readFileSync(new URL('golden.json', import.meta.url), 'utf8'),
) as Golden
