import { readFileSync } from 'node:fs'
import type { ContrastRows, QuestionRows } from '../src/directions/contrast-rows.ts'

interface GoldenSide {
  rows: number[][]
  questions: string[]
}

export interface GoldenContrast {
  without: GoldenSide
  with: GoldenSide
  meanDifference: { vector: number[]; norm: number }
  logistic: {
    penalty: number
    penaltyOnActivations: number
    norm: number
    vector: number[]
    intercept: number
    objective: number
  }[]
  discriminant: { given: number | null; shrinkage: number; norm: number; vector: number[] }[]
  components: {
    component: number
    vector: number[]
    explainedShare: number
    nDifferences: number
  }[]
}

/** What make_directions.py wrote. */
interface GoldenDirections {
  directions: Record<'tall' | 'wide' | 'separable', GoldenContrast>
  auroc: {
    without: number[]
    with: number[]
    estimate: number
    standardError: number
    interval: [number, number]
  }[]
  adapter: {
    rank: number
    nIn: number
    nOut: number
    scale: number
    a: number[]
    b: number[]
    singularValues: number[]
  }
  curve: {
    steps: number[]
    values: number[]
    area: number
    slope: number
    rise: number
    halfRiseStep: number
    saturation: number
  }
  eigen: { matrix: number[]; values: number[]; vectors: number[][] }
}

export const goldenDirections = JSON.parse(
  readFileSync(new URL('directions.json', import.meta.url), 'utf8'),
) as GoldenDirections

export function goldenRows(contrast: GoldenContrast): ContrastRows {
  const side = ({ rows, questions }: GoldenSide): QuestionRows => ({
    rows: Float32Array.from(rows.flat()),
    dModel: rows[0]?.length ?? 0,
    questions,
  })
  return { without: side(contrast.without), with: side(contrast.with) }
}
