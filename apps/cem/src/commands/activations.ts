import type { TextFormat } from '@cem/activations'
import {
  type ActivationsForTextsReport,
  activationsForTexts,
  type MessageChoice,
} from '@cem/experiment'
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
  readonly format?: TextFormat
  readonly role: string
  readonly messages: MessageChoice
  readonly leaveOutCode?: boolean
  readonly system?: string
  readonly provider?: ProviderRequest
  readonly output?: string
}

/** `cem activations FILE` */
export async function activationsCommand(texts: string, flags: ActivationsFlags): Promise<number> {
  const output =
    flags.output ?? texts.replace(/(_eval)?(\.(?:csv|jsonl|json|eval))?$/i, '_activations.npz')
  using signals = abortOnSignals()
  const report = await activationsForTexts({
    texts,
    format: flags.format,
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
    role: flags.role,
    messages: flags.messages,
    codeBlocks: flags.leaveOutCode === true ? 'leave-out' : 'keep',
    system: flags.system,
    provider: flags.provider,
    signal: signals.signal,
    onProgress: progressLine('extracted'),
  })
  for (const line of reportLines(report, output, flags.role)) process.stdout.write(`${line}\n`)
  return exitCodes.complete
}

function reportLines(report: ActivationsForTextsReport, output: string, role: string): string[] {
  const { nRows, nEmpty, nWithout, nConversations, rowsFile } = report
  const without = nWithout > 0 ? ` (${nWithout} conversations have no message of ${role})` : ''
  return [
    `wrote ${output}: ${nRows} rows of ${nConversations} conversations, ${nEmpty} of them empty${without}`,
    ...(rowsFile === undefined ? [] : [`wrote ${rowsFile}: which message each row is`]),
    ...(report.nRetokenized > 0 ? [`warning: ${retokenizedText(report)}`] : []),
    ...report.warnings
      .filter(({ code }) => code !== 'retokenized')
      .map(({ n, first }) => `warning: in ${n} conversations: ${first}`),
  ]
}

/** What became of the tokens that the models wrote. */
function retokenizedText({
  nRetokenized,
  nMovedBoundaries,
  nUnknownBoundaries,
}: ActivationsForTextsReport): string {
  const nKnown = nRetokenized - nUnknownBoundaries
  const known =
    nKnown === 0
      ? ''
      : ` For ${nKnown} of them the file has the tokens that the model wrote: ${nMovedBoundaries} token boundaries moved.`
  const unknown =
    nUnknownBoundaries === 0
      ? ''
      : ` For ${nUnknownBoundaries} it has text and no tokens: nobody can say how many boundaries moved.`
  return `${nRetokenized} answers were tokenized again.${known}${unknown}`
}
