import { estimateText, type JudgeRole, type JudgingEvent } from '@cem/experiment'
import { percent, terminalText } from '../terminal-text.ts'

type EventOf<T extends JudgingEvent['type']> = Extract<JudgingEvent, { type: T }>

const roleNames: Readonly<Record<JudgeRole, string>> = {
  first: 'judge',
  second: 'second judge',
  retest: 'retest',
}

/** `, 0.12 USD`, or nothing where no cost is known. */
export function costText(usd: number | null | undefined): string {
  return usd === null || usd === undefined ? '' : `, ${usd.toFixed(2)} USD`
}

export function judgeProgressLine({
  judge,
  isBatch,
  done,
  total,
  status,
  counters,
}: EventOf<'judge-progress'>): string {
  const name = `${roleNames[judge]}${isBatch ? ', batch' : ''}`
  const state = status === undefined ? '' : `, ${terminalText(status)}`
  const calls = isBatch ? '' : `, ${counters.calls} calls${costText(counters.costUsd)}`
  return `${name}: ${done} of ${total}${state}${calls}`
}

/** What is said of judging besides the progress of its cells. */
export function judgingLines(event: Exclude<JudgingEvent, EventOf<'judge-progress'>>): string[] {
  switch (event.type) {
    case 'judging-start': {
      const left =
        event.estimate === null ? 'calls cannot be counted before' : estimateText(event.estimate)
      return [
        `${roleNames[event.judge]}: ${terminalText(event.model)} on ${event.nRows} answers of ${event.cells.length} cells; ${left}`,
      ]
    }
    case 'judge-canaries': {
      const all = Object.values(event.summaries).flatMap(({ injected }) => injected)
      const held = all.filter(({ outcome }) => outcome === 'held').length
      return [`canary rows: the judge held in ${held} of ${all.length}`]
    }
    case 'judge-anchors':
      return [`anchors: ${event.drift.status}. ${event.drift.reason}`]
    case 'judge-cost': {
      const { calls, promptTokens, completionTokens, costUsd, possibleUsd } = event
      const possible =
        possibleUsd === null || possibleUsd === 0
          ? ''
          : ` and up to ${possibleUsd.toFixed(2)} USD more`
      return [
        `${roleNames[event.judge]}: ${calls} calls, ${promptTokens} tokens in, ${completionTokens} out${costText(costUsd)}${possible}`,
      ]
    }
    case 'judge-agreement':
      return Object.entries(event.agreement).map(
        ([metric, { nBothScored, nRows, sameSide, difference, alpha, spearman, threshold }]) =>
          `${event.of === 'second' ? 'second judge' : 'retest'}, ${metric}: the same side of ${threshold} in ${percent(sameSide.estimate, 1)} of ${nBothScored} answers that both scored (of ${nRows}), mean difference ${difference.estimate?.toFixed(1) ?? '-'} points, Krippendorff's alpha ${alpha.estimate?.toFixed(2) ?? '-'}, Spearman ${spearman.estimate?.toFixed(2) ?? '-'}`,
      )
  }
}
