import type { JudgingEstimate } from './estimate.ts'

export const noEstimate: JudgingEstimate = Object.freeze({
  nCalls: 0,
  promptTokens: 0,
  completionTokens: 0,
  usd: 0,
  mostUsd: 0,
})

export function scaledEstimate(estimate: JudgingEstimate, by: number): JudgingEstimate {
  const { nCalls, promptTokens, completionTokens, usd, mostUsd } = estimate
  const times = (value: number | null) => (value === null ? null : value * by)
  return {
    nCalls: Math.round(nCalls * by),
    promptTokens: Math.round(promptTokens * by),
    completionTokens: completionTokens === null ? null : Math.round(completionTokens * by),
    usd: times(usd),
    mostUsd: times(mostUsd),
  }
}

/** Dollars are those of the parts whose prices are known, and null where none is. */
export function sumOfEstimates(all: readonly JudgingEstimate[]): JudgingEstimate {
  const parts = all.filter(({ nCalls }) => nCalls > 0)
  const known = (pick: (part: JudgingEstimate) => number | null) => {
    const values = parts.flatMap((part) => pick(part) ?? [])
    return values.length === 0 && parts.length > 0 ? null : sum(values)
  }
  return {
    nCalls: sum(parts.map(({ nCalls }) => nCalls)),
    promptTokens: sum(parts.map(({ promptTokens }) => promptTokens)),
    completionTokens: known(({ completionTokens }) => completionTokens),
    usd: known(({ usd }) => usd),
    mostUsd: known(({ mostUsd }) => mostUsd),
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
