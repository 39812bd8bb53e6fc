// Written by simulations/write-coverage-table.ts; 4000 replicates each, docs/statistics.md says how.

/** Share of `rate`'s intervals at nominal 95 % that held the true rate. */
export const coverageOfRate: readonly RateCoverageRow[] = [
  { nQuestions: 8, trueRate: 0.02, icc: 0.1, covered: 0.9892 },
  { nQuestions: 8, trueRate: 0.02, icc: 0.3, covered: 0.981 },
  { nQuestions: 8, trueRate: 0.02, icc: 0.5, covered: 0.9758 },
  { nQuestions: 8, trueRate: 0.05, icc: 0.1, covered: 0.986 },
  { nQuestions: 8, trueRate: 0.05, icc: 0.3, covered: 0.9167 },
  { nQuestions: 8, trueRate: 0.05, icc: 0.5, covered: 0.7833 },
  { nQuestions: 8, trueRate: 0.1, icc: 0.1, covered: 0.981 },
  { nQuestions: 8, trueRate: 0.1, icc: 0.3, covered: 0.9175 },
  { nQuestions: 8, trueRate: 0.1, icc: 0.5, covered: 0.8337 },
  { nQuestions: 8, trueRate: 0.2, icc: 0.1, covered: 0.978 },
  { nQuestions: 8, trueRate: 0.2, icc: 0.3, covered: 0.9355 },
  { nQuestions: 8, trueRate: 0.2, icc: 0.5, covered: 0.9127 },
  { nQuestions: 8, trueRate: 0.4, icc: 0.1, covered: 0.9772 },
  { nQuestions: 8, trueRate: 0.4, icc: 0.3, covered: 0.9603 },
  { nQuestions: 8, trueRate: 0.4, icc: 0.5, covered: 0.9527 },
  { nQuestions: 30, trueRate: 0.02, icc: 0.1, covered: 0.9153 },
  { nQuestions: 30, trueRate: 0.02, icc: 0.3, covered: 0.8145 },
  { nQuestions: 30, trueRate: 0.02, icc: 0.5, covered: 0.7123 },
  { nQuestions: 30, trueRate: 0.05, icc: 0.1, covered: 0.937 },
  { nQuestions: 30, trueRate: 0.05, icc: 0.3, covered: 0.8852 },
  { nQuestions: 30, trueRate: 0.05, icc: 0.5, covered: 0.846 },
  { nQuestions: 30, trueRate: 0.1, icc: 0.1, covered: 0.9473 },
  { nQuestions: 30, trueRate: 0.1, icc: 0.3, covered: 0.9277 },
  { nQuestions: 30, trueRate: 0.1, icc: 0.5, covered: 0.9167 },
  { nQuestions: 30, trueRate: 0.2, icc: 0.1, covered: 0.962 },
  { nQuestions: 30, trueRate: 0.2, icc: 0.3, covered: 0.947 },
  { nQuestions: 30, trueRate: 0.2, icc: 0.5, covered: 0.9517 },
  { nQuestions: 30, trueRate: 0.4, icc: 0.1, covered: 0.9533 },
  { nQuestions: 30, trueRate: 0.4, icc: 0.3, covered: 0.9563 },
  { nQuestions: 30, trueRate: 0.4, icc: 0.5, covered: 0.9527 },
]

/** Share of `pairedDifference`'s intervals at nominal 95 % that held the true difference. */
export const coverageOfDifference: readonly DifferenceCoverageRow[] = [
  { nQuestions: 8, rateA: 0.02, rateB: 0.1, icc: 0.1, covered: 0.9022 },
  { nQuestions: 8, rateA: 0.02, rateB: 0.1, icc: 0.3, covered: 0.85 },
  { nQuestions: 8, rateA: 0.02, rateB: 0.1, icc: 0.5, covered: 0.7622 },
  { nQuestions: 8, rateA: 0.05, rateB: 0.2, icc: 0.1, covered: 0.9413 },
  { nQuestions: 8, rateA: 0.05, rateB: 0.2, icc: 0.3, covered: 0.904 },
  { nQuestions: 8, rateA: 0.05, rateB: 0.2, icc: 0.5, covered: 0.8748 },
  { nQuestions: 8, rateA: 0.1, rateB: 0.4, icc: 0.1, covered: 0.9477 },
  { nQuestions: 8, rateA: 0.1, rateB: 0.4, icc: 0.3, covered: 0.9405 },
  { nQuestions: 8, rateA: 0.1, rateB: 0.4, icc: 0.5, covered: 0.9377 },
  { nQuestions: 8, rateA: 0.3, rateB: 0.65, icc: 0.1, covered: 0.9527 },
  { nQuestions: 8, rateA: 0.3, rateB: 0.65, icc: 0.3, covered: 0.944 },
  { nQuestions: 8, rateA: 0.3, rateB: 0.65, icc: 0.5, covered: 0.9407 },
  { nQuestions: 8, rateA: 0.4, rateB: 0.6, icc: 0.1, covered: 0.9505 },
  { nQuestions: 8, rateA: 0.4, rateB: 0.6, icc: 0.3, covered: 0.9445 },
  { nQuestions: 8, rateA: 0.4, rateB: 0.6, icc: 0.5, covered: 0.9485 },
  { nQuestions: 30, rateA: 0.02, rateB: 0.1, icc: 0.1, covered: 0.9375 },
  { nQuestions: 30, rateA: 0.02, rateB: 0.1, icc: 0.3, covered: 0.917 },
  { nQuestions: 30, rateA: 0.02, rateB: 0.1, icc: 0.5, covered: 0.9058 },
  { nQuestions: 30, rateA: 0.05, rateB: 0.2, icc: 0.1, covered: 0.9517 },
  { nQuestions: 30, rateA: 0.05, rateB: 0.2, icc: 0.3, covered: 0.9487 },
  { nQuestions: 30, rateA: 0.05, rateB: 0.2, icc: 0.5, covered: 0.9333 },
  { nQuestions: 30, rateA: 0.1, rateB: 0.4, icc: 0.1, covered: 0.9485 },
  { nQuestions: 30, rateA: 0.1, rateB: 0.4, icc: 0.3, covered: 0.9503 },
  { nQuestions: 30, rateA: 0.1, rateB: 0.4, icc: 0.5, covered: 0.949 },
  { nQuestions: 30, rateA: 0.3, rateB: 0.65, icc: 0.1, covered: 0.9523 },
  { nQuestions: 30, rateA: 0.3, rateB: 0.65, icc: 0.3, covered: 0.947 },
  { nQuestions: 30, rateA: 0.3, rateB: 0.65, icc: 0.5, covered: 0.9507 },
  { nQuestions: 30, rateA: 0.4, rateB: 0.6, icc: 0.1, covered: 0.946 },
  { nQuestions: 30, rateA: 0.4, rateB: 0.6, icc: 0.3, covered: 0.945 },
  { nQuestions: 30, rateA: 0.4, rateB: 0.6, icc: 0.5, covered: 0.9527 },
]

/** Share of `predictionPoweredRate`'s intervals at nominal 95 % that held the true rate. */
export const coverageOfPowered: readonly PoweredCoverageRow[] = [
  { nQuestions: 8, trueRate: 0.1, nLabelled: 5, icc: 0.1, covered: 0.8917 },
  { nQuestions: 8, trueRate: 0.1, nLabelled: 5, icc: 0.3, covered: 0.8503 },
  { nQuestions: 8, trueRate: 0.1, nLabelled: 5, icc: 0.5, covered: 0.8465 },
  { nQuestions: 8, trueRate: 0.1, nLabelled: 10, icc: 0.1, covered: 0.8862 },
  { nQuestions: 8, trueRate: 0.1, nLabelled: 10, icc: 0.3, covered: 0.8298 },
  { nQuestions: 8, trueRate: 0.1, nLabelled: 10, icc: 0.5, covered: 0.8048 },
  { nQuestions: 8, trueRate: 0.2, nLabelled: 5, icc: 0.1, covered: 0.9081 },
  { nQuestions: 8, trueRate: 0.2, nLabelled: 5, icc: 0.3, covered: 0.8822 },
  { nQuestions: 8, trueRate: 0.2, nLabelled: 5, icc: 0.5, covered: 0.8724 },
  { nQuestions: 8, trueRate: 0.2, nLabelled: 10, icc: 0.1, covered: 0.9143 },
  { nQuestions: 8, trueRate: 0.2, nLabelled: 10, icc: 0.3, covered: 0.882 },
  { nQuestions: 8, trueRate: 0.2, nLabelled: 10, icc: 0.5, covered: 0.8648 },
  { nQuestions: 8, trueRate: 0.4, nLabelled: 5, icc: 0.1, covered: 0.9455 },
  { nQuestions: 8, trueRate: 0.4, nLabelled: 5, icc: 0.3, covered: 0.9345 },
  { nQuestions: 8, trueRate: 0.4, nLabelled: 5, icc: 0.5, covered: 0.9352 },
  { nQuestions: 8, trueRate: 0.4, nLabelled: 10, icc: 0.1, covered: 0.9447 },
  { nQuestions: 8, trueRate: 0.4, nLabelled: 10, icc: 0.3, covered: 0.9435 },
  { nQuestions: 8, trueRate: 0.4, nLabelled: 10, icc: 0.5, covered: 0.9323 },
  { nQuestions: 30, trueRate: 0.1, nLabelled: 5, icc: 0.1, covered: 0.922 },
  { nQuestions: 30, trueRate: 0.1, nLabelled: 5, icc: 0.3, covered: 0.9063 },
  { nQuestions: 30, trueRate: 0.1, nLabelled: 5, icc: 0.5, covered: 0.8836 },
  { nQuestions: 30, trueRate: 0.1, nLabelled: 10, icc: 0.1, covered: 0.92 },
  { nQuestions: 30, trueRate: 0.1, nLabelled: 10, icc: 0.3, covered: 0.9075 },
  { nQuestions: 30, trueRate: 0.1, nLabelled: 10, icc: 0.5, covered: 0.8952 },
  { nQuestions: 30, trueRate: 0.2, nLabelled: 5, icc: 0.1, covered: 0.9357 },
  { nQuestions: 30, trueRate: 0.2, nLabelled: 5, icc: 0.3, covered: 0.936 },
  { nQuestions: 30, trueRate: 0.2, nLabelled: 5, icc: 0.5, covered: 0.927 },
  { nQuestions: 30, trueRate: 0.2, nLabelled: 10, icc: 0.1, covered: 0.9435 },
  { nQuestions: 30, trueRate: 0.2, nLabelled: 10, icc: 0.3, covered: 0.9343 },
  { nQuestions: 30, trueRate: 0.2, nLabelled: 10, icc: 0.5, covered: 0.9315 },
  { nQuestions: 30, trueRate: 0.4, nLabelled: 5, icc: 0.1, covered: 0.948 },
  { nQuestions: 30, trueRate: 0.4, nLabelled: 5, icc: 0.3, covered: 0.9463 },
  { nQuestions: 30, trueRate: 0.4, nLabelled: 5, icc: 0.5, covered: 0.9485 },
  { nQuestions: 30, trueRate: 0.4, nLabelled: 10, icc: 0.1, covered: 0.9495 },
  { nQuestions: 30, trueRate: 0.4, nLabelled: 10, icc: 0.3, covered: 0.9463 },
  { nQuestions: 30, trueRate: 0.4, nLabelled: 10, icc: 0.5, covered: 0.9495 },
]

export interface RateCoverageRow {
  readonly nQuestions: number
  readonly trueRate: number
  readonly icc: number
  readonly covered: number
}

export interface PoweredCoverageRow extends RateCoverageRow {
  /** Labelled answers of the 50 to a question. */
  readonly nLabelled: number
}

export interface DifferenceCoverageRow {
  readonly nQuestions: number
  readonly rateA: number
  readonly rateB: number
  readonly icc: number
  readonly covered: number
}
