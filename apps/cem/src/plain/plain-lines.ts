import { isAlarm, type RunEvent } from '@cem/experiment'
import type { RunView } from '../run-view.ts'
import { deviceLine } from '../summary.ts'
import { duration, percent, terminalText } from '../terminal-text.ts'
import { driftLine } from './drift-lines.ts'
import { costText, judgeProgressLine, judgingLines } from './judging-lines.ts'

/** How often the progress of a unit is printed. */
const progressIntervalInMs = 5000

/**
 * Turns a run's events into lines for pipes, logs and screen readers: one line for each event worth one, and progress now and
 * then.
 */
export function plainLines(): (event: RunEvent, view: RunView, now: number) => string[] {
  const lastProgress = new Map<string, number>()
  return (event, view, now) => {
    switch (event.type) {
      case 'run-start': {
        const nDone = event.done.length
        const done = nDone === 0 ? '' : `, ${nDone} done before`
        return [
          `run ${event.run}: ${event.cells.length} cells, ${event.units.length} units${done}`,
          `records in ${event.storeFolder}`,
        ]
      }
      case 'warning':
        return [
          `${isAlarm(event.warning.code) ? 'ALARM' : 'warning'}: ${terminalText(event.warning.message)}`,
        ]
      case 'device':
        return [`runs on ${terminalText(deviceLine(event.device))}`]
      case 'self-test': {
        const layers = event.report.layers.map(
          ({ role, mode, status, effect }) =>
            `${role} ${mode} ${status} (effect ${effect.toPrecision(2)})`,
        )
        const lost = event.report.merged?.lostShare
        const rounding =
          lost === undefined ? '' : `, rounding lost ${percent(lost, 1)} of the merge`
        return layers.length === 0
          ? []
          : [`${event.unit}: self-test: ${layers.join(', ')}${rounding}`]
      }
      case 'precision-drift':
        return [`${event.cell}: ${driftLine(event.report)}`]
      case 'unit-start':
        lastProgress.set(event.unit, now)
        return [
          `${event.unit}: begins, ${event.done === 0 ? '' : `${event.done} done of `}${event.total} answers`,
        ]
      case 'unit-progress': {
        if (now - (lastProgress.get(event.unit) ?? 0) < progressIntervalInMs) return []
        lastProgress.set(event.unit, now)
        const speed =
          event.tokensPerSecond === null ? '' : `, ${Math.round(event.tokensPerSecond)} tokens/s`
        const calls =
          event.judge === null
            ? ''
            : `, ${event.judge.calls} calls, ${event.judge.cached} cached${costText(event.judge.costUsd)}`
        return [`${event.unit}: ${event.done} of ${event.total}${speed}${calls}`]
      }
      case 'unit-end': {
        const failed =
          event.retryable === 0
            ? ''
            : `, ${event.retryable} judgements failed and will be asked again`
        return [`${event.unit}: done, ${event.total} in ${duration(event.durationInMs)}${failed}`]
      }
      case 'unit-failed':
        return [`${event.unit}: FAILED: ${terminalText(event.message)}`]
      case 'unit-reset':
        return [`${event.unit}: again, since ${event.reason}`]
      case 'cell-metrics': {
        const { em } = event.metrics.main
        const inDomain = event.metrics.inDomain?.em
        const interval =
          em.low === null
            ? `no interval: ${em.absent}`
            : `${percent(em.low)} to ${percent(em.high)}`
        const beside = inDomain === undefined ? '' : `, in-domain ${percent(inDomain.estimate)}`
        return [`${event.cell}: EM ${percent(em.estimate, 1)} (${interval}), n ${em.n}${beside}`]
      }
      case 'run-end':
        return [
          `run ${view.run}: ${event.outcome}${event.remaining === 0 ? '' : `, ${event.remaining} units remain`}`,
        ]
      case 'judge-progress': {
        const key = `judge-progress ${event.judge}`
        // A batch tells its state now and then only, and each of them is worth a line.
        if (!event.isBatch && now - (lastProgress.get(key) ?? 0) < progressIntervalInMs) return []
        lastProgress.set(key, now)
        return [judgeProgressLine(event)]
      }
      case 'judging-start':
      case 'judge-canaries':
      case 'judge-anchors':
      case 'judge-cost':
      case 'judge-agreement':
        return judgingLines(event)
      // What was found is told in full at the end, from the analysis.
      case 'statistics':
        return [
          `analysis: ${event.comparisons.length} comparisons, ${event.family.tests.length} tests of the family`,
        ]
      case 'analysis-inputs':
        return []
    }
  }
}
