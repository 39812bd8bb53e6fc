import type { DriftReport } from '@cem/inference'
import { formatTable } from '../summary.ts'
import { percent } from '../terminal-text.ts'

/** One line that says how far a precision lies from 32-bit floats. */
export function driftLine({
  precision,
  kl,
  sameTopShare,
  layers,
  nPositions,
}: DriftReport): string {
  const worst = Math.max(...layers.map((layer) => layer.meanError))
  return `${precision} against f32 at ${nPositions} positions: KL ${nats(kl.mean)} (95 % below ${nats(kl.p95)}, largest ${nats(kl.max)}) nats, likeliest token the same at ${percent(sameTopShare, 1)}, hidden states off by up to ${percent(worst, 2)}`
}

/** The whole report, layer by layer. */
export function driftLines(report: DriftReport): string[] {
  const rows = report.layers.map(({ layer, meanError, maxError }) => [
    `layer ${layer}`,
    percent(meanError, 2),
    percent(maxError, 2),
  ])
  return [
    driftLine(report),
    `error of the hidden states, |${report.precision} - f32| / |f32| of a position:`,
    ...formatTable([['', 'mean', 'largest'], ...rows]),
  ]
}

function nats(value: number): string {
  return value === 0 ? '0' : value.toPrecision(2)
}
