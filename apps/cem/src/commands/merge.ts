import { CemError } from '@cem/core'
import { type ExportLayer, exportMerged, type RoundingLoss } from '@cem/inference'
import { exitCodes } from '../exit-codes.ts'
import { progressLine } from '../plain/progress-line.ts'
import { formatTable } from '../summary.ts'
import { abortOnSignals } from './abort-on-signals.ts'

interface MergeFlags {
  readonly adapter: readonly string[]
  readonly output: string
  readonly weight?: readonly number[]
  readonly role?: readonly string[]
  readonly dtype?: 'F32' | 'F16' | 'BF16'
  readonly baseAlias?: readonly string[]
  /** `--no-check` */
  readonly check: boolean
}

/** `cem merge BASE --adapter PATH... --output FOLDER` */
export async function mergeCommand(base: string, flags: MergeFlags): Promise<number> {
  using signals = abortOnSignals()
  const progress = progressLine('merged')
  const report = await exportMerged({
    base,
    layers: layersOf(flags),
    output: flags.output,
    dtype: flags.dtype,
    check: flags.check,
    baseAliases: flags.baseAlias ?? [],
    signal: signals.signal,
    onProgress: ({ nDone, nTotal }) => progress(nDone, nTotal),
  })
  const header = ['modules', 'number', 'share of the change lost to rounding']
  const rows = [...report.lossByKind, report.loss].map(lossRow)
  const lines = [
    ...formatTable([header, ...rows]),
    ...(report.check === null
      ? ['not loaded again, as --no-check asked']
      : [
          `checked: its logits lie within ${report.check.error.toExponential(1)} of base and adapters; the merge moves them by ${report.check.effect.toExponential(1)}`,
        ]),
    ...(report.organism === null
      ? []
      : [`warning: this is a misaligned organism: ${report.organism}`]),
    ...report.record.layers
      .filter((layer) => layer.baseCheck === 'unverified')
      .map((layer) => `warning: ${layer.path} does not say what base it was trained on`),
    ...(report.leftOut.length === 0 ? [] : [`left out: ${report.leftOut.join(', ')}`]),
    `wrote ${report.folder}`,
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
  return exitCodes.complete
}

function layersOf({ adapter, weight = [], role = [] }: MergeFlags): ExportLayer[] {
  checkCount('--weight', weight, adapter)
  checkCount('--role', role, adapter)
  return adapter.map((path, i) => ({
    adapter: path,
    weight: weight[i] ?? weight[0] ?? 1,
    // What is not said to be harmless is taken for harmful.
    role: (role[i] ?? role[0] ?? 'em') as ExportLayer['role'],
  }))
}

/** One value holds for all adapters, else there is one for each. */
function checkCount(flag: string, values: readonly unknown[], adapters: readonly string[]): void {
  if (values.length <= 1 || values.length === adapters.length) return
  throw new CemError({
    code: 'usage',
    message: `${flag} has ${values.length} values for ${adapters.length} adapters: give one for all, or one for each.`,
    data: { flag },
  })
}

function lossRow({ kind, nModules, lostShare }: RoundingLoss): string[] {
  const share = lostShare === null ? 'nothing changed' : `${(lostShare * 100).toPrecision(3)} %`
  return [kind ?? 'all', String(nModules), share]
}
