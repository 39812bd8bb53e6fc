import { activationsForCsv } from '@cem/experiment'
import type { ProviderRequest } from '@cem/inference'
import { exitCodes } from '../exit-codes.ts'
import { progressLine } from '../plain/progress-line.ts'
import { abortOnSignals } from './abort-on-signals.ts'

interface ActivationsFlags {
  readonly baseModel: string
  readonly adapter?: readonly string[]
  readonly mergeFirst?: boolean
  readonly baseAlias?: readonly string[]
  readonly activationLayers?: readonly number[]
  readonly span: 'content' | 'turn'
  readonly provider?: ProviderRequest
  readonly output?: string
}

/** `cem activations CSV` */
export async function activationsCommand(csv: string, flags: ActivationsFlags): Promise<number> {
  const output = flags.output ?? csv.replace(/(_eval)?(\.csv)?$/, '_activations.npz')
  using signals = abortOnSignals()
  const report = await activationsForCsv({
    csv,
    output,
    base: flags.baseModel,
    layers: (flags.adapter ?? []).map((adapter, i) => ({
      role: 'em',
      mode: i === 0 && flags.mergeFirst === true ? 'merged' : 'stacked',
      adapter,
    })),
    baseAliases: flags.baseAlias,
    activationLayers: flags.activationLayers,
    span: flags.span,
    provider: flags.provider,
    signal: signals.signal,
    onProgress: progressLine('extracted'),
  })
  process.stdout.write(
    `wrote ${output}: ${report.nRows} rows, ${report.nEmpty} of them empty answers\n`,
  )
  process.stdout.write(
    'warning: the CSV has text and no token ids, so the answers were tokenized again; a model may have split them otherwise.' +
      `${report.nUnfaithful > 0 ? ` For ${report.nUnfaithful} answers the ids do not even give the text back.` : ''}\n`,
  )
  return exitCodes.complete
}
