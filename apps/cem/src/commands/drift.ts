import { compose, measureDrift, openModel, type Precision, withPrecision } from '@cem/inference'
import { exitCodes } from '../exit-codes.ts'
import { driftLines } from '../plain/drift-lines.ts'
import { abortOnSignals } from './abort-on-signals.ts'

interface DriftFlags {
  readonly precision: Precision
  readonly adapter?: readonly string[]
  readonly baseAlias?: readonly string[]
  readonly json?: boolean
}

/** `cem drift MODEL` */
export async function driftCommand(base: string, flags: DriftFlags): Promise<number> {
  using signals = abortOnSignals()
  const { signal } = signals
  const layers = (flags.adapter ?? []).map((adapter) => ({
    role: 'em' as const,
    mode: 'stacked' as const,
    adapter,
  }))
  const composition = await compose({ base, layers, baseAliases: flags.baseAlias ?? [], signal })
  await using reference = await openModel(composition, { signal })
  await using model = await openModel(withPrecision(composition, flags.precision), { signal })
  const report = await measureDrift({ reference, model, signal })
  const lines = flags.json === true ? [JSON.stringify(report, null, 2)] : driftLines(report)
  process.stdout.write(`${lines.join('\n')}\n`)
  return exitCodes.complete
}
