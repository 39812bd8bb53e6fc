import type { SelfTestReport } from '@cem/inference'
import type { RunWarning, StoredEvent } from '../events.ts'

/** What a cell's self-test found that does not stop it: adapters that are all zero, and merged ones that rounding swallowed. */
export function selfTestAlarms(cell: string, report: SelfTestReport): RunWarning[] {
  const untrained = report.layers.filter(({ status }) => status === 'untrained')
  const alarms = untrained.map(
    ({ role, path }): RunWarning => ({
      code: 'untrained-adapter',
      message: `${cell}: the ${role} adapter ${path} is all zero, so it changes nothing: it was not trained, or saved before it was.`,
      cells: [cell],
    }),
  )
  const { merged } = report
  if (merged === null) return alarms
  // Merged logits lie that far from what the adapter was meant to do: an effect of that size is rounding and not the adapter.
  const swallowed = report.layers.filter(
    ({ mode, status, effect }) =>
      mode === 'merged' && status === 'active' && effect <= 2 * merged.error,
  )
  return [
    ...alarms,
    ...swallowed.map(
      ({ role, path, effect }): RunWarning => ({
        code: 'rounding-lost',
        message: `${cell}: merged into the weights, the ${role} adapter ${path} changes the logits by ${effect.toExponential(1)} of the largest, and rounding moves them by ${merged.error.toExponential(1)}: what is left of it is rounding. Run it stacked, or merge it into a base in 32-bit floats.`,
        cells: [cell],
      }),
    ),
  ]
}

/** The same for every cell, from the last self-test that is stored of it. */
export function storedSelfTestAlarms(events: readonly StoredEvent[]): RunWarning[] {
  const reports = new Map<string, SelfTestReport>()
  for (const event of events)
    if (event.type === 'self-test')
      reports.set(event.unit.slice(event.unit.indexOf(':') + 1), event.report)
  return Array.from(reports, ([cell, report]) => selfTestAlarms(cell, report)).flat()
}
