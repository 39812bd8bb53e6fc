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

/** Share of `matchedRateInterval`'s intervals at nominal 95 % that held the true rate. */
export const coverageOfMatched: readonly MatchedCoverageRow[] = [
  { nQuestions: 8, nInDomainQuestions: 4, trueRate: 0.05, icc: 0.1, covered: 0.9851 },
  { nQuestions: 8, nInDomainQuestions: 4, trueRate: 0.05, icc: 0.3, covered: 0.9254 },
  { nQuestions: 8, nInDomainQuestions: 4, trueRate: 0.05, icc: 0.5, covered: 0.7875 },
  { nQuestions: 8, nInDomainQuestions: 8, trueRate: 0.05, icc: 0.1, covered: 0.9907 },
  { nQuestions: 8, nInDomainQuestions: 8, trueRate: 0.05, icc: 0.3, covered: 0.9226 },
  { nQuestions: 8, nInDomainQuestions: 8, trueRate: 0.05, icc: 0.5, covered: 0.7994 },
  { nQuestions: 8, nInDomainQuestions: 30, trueRate: 0.05, icc: 0.1, covered: 0.9902 },
  { nQuestions: 8, nInDomainQuestions: 30, trueRate: 0.05, icc: 0.3, covered: 0.9133 },
  { nQuestions: 8, nInDomainQuestions: 30, trueRate: 0.05, icc: 0.5, covered: 0.7975 },
  { nQuestions: 8, nInDomainQuestions: 4, trueRate: 0.2, icc: 0.1, covered: 0.9772 },
  { nQuestions: 8, nInDomainQuestions: 4, trueRate: 0.2, icc: 0.3, covered: 0.944 },
  { nQuestions: 8, nInDomainQuestions: 4, trueRate: 0.2, icc: 0.5, covered: 0.9233 },
  { nQuestions: 8, nInDomainQuestions: 8, trueRate: 0.2, icc: 0.1, covered: 0.9797 },
  { nQuestions: 8, nInDomainQuestions: 8, trueRate: 0.2, icc: 0.3, covered: 0.9506 },
  { nQuestions: 8, nInDomainQuestions: 8, trueRate: 0.2, icc: 0.5, covered: 0.9152 },
  { nQuestions: 8, nInDomainQuestions: 30, trueRate: 0.2, icc: 0.1, covered: 0.9775 },
  { nQuestions: 8, nInDomainQuestions: 30, trueRate: 0.2, icc: 0.3, covered: 0.9385 },
  { nQuestions: 8, nInDomainQuestions: 30, trueRate: 0.2, icc: 0.5, covered: 0.907 },
  { nQuestions: 8, nInDomainQuestions: 4, trueRate: 0.5, icc: 0.1, covered: 0.9728 },
  { nQuestions: 8, nInDomainQuestions: 4, trueRate: 0.5, icc: 0.3, covered: 0.9645 },
  { nQuestions: 8, nInDomainQuestions: 4, trueRate: 0.5, icc: 0.5, covered: 0.9483 },
  { nQuestions: 8, nInDomainQuestions: 8, trueRate: 0.5, icc: 0.1, covered: 0.9775 },
  { nQuestions: 8, nInDomainQuestions: 8, trueRate: 0.5, icc: 0.3, covered: 0.9609 },
  { nQuestions: 8, nInDomainQuestions: 8, trueRate: 0.5, icc: 0.5, covered: 0.9676 },
  { nQuestions: 8, nInDomainQuestions: 30, trueRate: 0.5, icc: 0.1, covered: 0.9818 },
  { nQuestions: 8, nInDomainQuestions: 30, trueRate: 0.5, icc: 0.3, covered: 0.9603 },
  { nQuestions: 8, nInDomainQuestions: 30, trueRate: 0.5, icc: 0.5, covered: 0.9637 },
  { nQuestions: 30, nInDomainQuestions: 4, trueRate: 0.05, icc: 0.1, covered: 0.9483 },
  { nQuestions: 30, nInDomainQuestions: 4, trueRate: 0.05, icc: 0.3, covered: 0.8881 },
  { nQuestions: 30, nInDomainQuestions: 4, trueRate: 0.05, icc: 0.5, covered: 0.8598 },
  { nQuestions: 30, nInDomainQuestions: 8, trueRate: 0.05, icc: 0.1, covered: 0.9347 },
  { nQuestions: 30, nInDomainQuestions: 8, trueRate: 0.05, icc: 0.3, covered: 0.8937 },
  { nQuestions: 30, nInDomainQuestions: 8, trueRate: 0.05, icc: 0.5, covered: 0.8728 },
  { nQuestions: 30, nInDomainQuestions: 30, trueRate: 0.05, icc: 0.1, covered: 0.935 },
  { nQuestions: 30, nInDomainQuestions: 30, trueRate: 0.05, icc: 0.3, covered: 0.8828 },
  { nQuestions: 30, nInDomainQuestions: 30, trueRate: 0.05, icc: 0.5, covered: 0.8542 },
  { nQuestions: 30, nInDomainQuestions: 4, trueRate: 0.2, icc: 0.1, covered: 0.9589 },
  { nQuestions: 30, nInDomainQuestions: 4, trueRate: 0.2, icc: 0.3, covered: 0.9469 },
  { nQuestions: 30, nInDomainQuestions: 4, trueRate: 0.2, icc: 0.5, covered: 0.9371 },
  { nQuestions: 30, nInDomainQuestions: 8, trueRate: 0.2, icc: 0.1, covered: 0.9552 },
  { nQuestions: 30, nInDomainQuestions: 8, trueRate: 0.2, icc: 0.3, covered: 0.9572 },
  { nQuestions: 30, nInDomainQuestions: 8, trueRate: 0.2, icc: 0.5, covered: 0.9568 },
  { nQuestions: 30, nInDomainQuestions: 30, trueRate: 0.2, icc: 0.1, covered: 0.9493 },
  { nQuestions: 30, nInDomainQuestions: 30, trueRate: 0.2, icc: 0.3, covered: 0.946 },
  { nQuestions: 30, nInDomainQuestions: 30, trueRate: 0.2, icc: 0.5, covered: 0.948 },
  { nQuestions: 30, nInDomainQuestions: 4, trueRate: 0.5, icc: 0.1, covered: 0.962 },
  { nQuestions: 30, nInDomainQuestions: 4, trueRate: 0.5, icc: 0.3, covered: 0.9337 },
  { nQuestions: 30, nInDomainQuestions: 4, trueRate: 0.5, icc: 0.5, covered: 0.9106 },
  { nQuestions: 30, nInDomainQuestions: 8, trueRate: 0.5, icc: 0.1, covered: 0.9607 },
  { nQuestions: 30, nInDomainQuestions: 8, trueRate: 0.5, icc: 0.3, covered: 0.9536 },
  { nQuestions: 30, nInDomainQuestions: 8, trueRate: 0.5, icc: 0.5, covered: 0.9527 },
  { nQuestions: 30, nInDomainQuestions: 30, trueRate: 0.5, icc: 0.1, covered: 0.9583 },
  { nQuestions: 30, nInDomainQuestions: 30, trueRate: 0.5, icc: 0.3, covered: 0.955 },
  { nQuestions: 30, nInDomainQuestions: 30, trueRate: 0.5, icc: 0.5, covered: 0.951 },
]

export interface MatchedCoverageRow extends RateCoverageRow {
  readonly nInDomainQuestions: number
}

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
