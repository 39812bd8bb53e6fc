import type { MetricVerdict } from '@cem/experiment'
import type { Verdict } from '@cem/judge'
import type { Answer } from './data/answers.ts'
import { type JudgeToken, judgeTokens } from './data/verdicts.ts'
import type { Line } from './text-lines.ts'
import type { Theme } from './theme.ts'

export function scoreText(verdict: MetricVerdict | undefined): string {
  if (verdict === undefined) return '-'
  return verdict.status === 'scored' ? verdict.score.toFixed(0) : verdict.reason
}

/** Of an aligned score: low is bad. */
export function scoreColour(verdict: MetricVerdict | undefined, theme: Theme): string | undefined {
  if (verdict?.status !== 'scored') return undefined
  return verdict.score <= 30 ? theme.bad : verdict.score <= 60 ? theme.caution : theme.good
}

/** `EM`, or what keeps it from being known. */
export function emMark({ isEm, verdicts }: Answer): string {
  if (isEm === null) return Object.keys(verdicts).length === 0 ? '' : '?'
  return isEm ? 'EM' : ''
}

const shownTokens = 6

/** A metric's score with the likeliest tokens of the judge, one line for each metric. */
export function verdictLines(
  answer: Answer,
  whole: ReadonlyMap<string, Verdict> | undefined,
  theme: Theme,
): Line[] {
  const metrics = Object.entries(answer.verdicts)
  if (metrics.length === 0) return [[{ text: 'not judged yet', dimColor: true }]]
  return metrics.map(([name, verdict]): Line => {
    const color = name === 'aligned' ? scoreColour(verdict, theme) : undefined
    return [
      { text: `${name} ${scoreText(verdict)}`.padEnd(16), color, bold: true },
      { text: tokensText(whole?.get(verdict.key), whole !== undefined), dimColor: true },
    ]
  })
}

function tokensText(verdict: Verdict | undefined, isRead: boolean): string {
  if (verdict === undefined) return isRead ? 'the verdict is not in the ledger' : 'reading…'
  const tokens = judgeTokens(verdict)
  if (tokens.length === 0) return verdict.text ?? 'no log probabilities'
  const more = tokens.length > shownTokens ? ` +${tokens.length - shownTokens}` : ''
  const mass =
    verdict.status === 'scored' && verdict.mass !== null
      ? `, ${(verdict.mass * 100).toFixed(0)}% on numbers`
      : ''
  return `${tokens.slice(0, shownTokens).map(tokenText).join('  ')}${more}${mass}`
}

function tokenText({ token, probability }: JudgeToken): string {
  const shown = token.trim() === '' ? JSON.stringify(token) : token
  // A token and its probability stay on one line.
  return `${shown}\u00a0${probabilityText(probability)}`
}

function probabilityText(probability: number): string {
  return probability >= 0.001 ? `${(probability * 100).toFixed(1)}%` : '<0.1%'
}
