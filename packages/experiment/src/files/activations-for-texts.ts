import {
  ActivationScratch,
  type CodeBlocks,
  extractConversations,
  type TextFormat,
  type TextWarning,
  textConversations,
  textFormatOf,
  writeActivationSet,
} from '@cem/activations'
import { type LayerRequest, loadModel, type ProviderRequest, type SpanName } from '@cem/inference'
import {
  type MessageChoice,
  planTextRows,
  type TextRow,
  textRows,
  writeTextRows,
} from './text-rows.ts'

export interface ActivationsForTextsOptions {
  /** An eval CSV, a transcript (`.jsonl`, `.json`), or an eval log of Inspect AI (`.json`, `.eval`). */
  readonly texts: string
  /** @default by the file's ending, and for `.json` by what is in it */
  readonly format?: TextFormat | undefined
  /** The `.npz` to write. */
  readonly output: string
  readonly base: string
  readonly layers: readonly LayerRequest[]
  readonly baseAliases?: readonly string[] | undefined
  /** @default all */
  readonly activationLayers?: readonly number[] | undefined
  /** @default 'content' */
  readonly span?: SpanName | undefined
  /** Role of the messages that means are taken over. @default 'assistant' */
  readonly role?: string | undefined
  /** @default 'last': one row for each conversation */
  readonly messages?: MessageChoice | undefined
  /** Whether the tokens of fenced code blocks count. @default 'keep' */
  readonly codeBlocks?: CodeBlocks | undefined
  /** System prompt of a CSV's rows, which it does not record. @default the chat template's own */
  readonly system?: string | undefined
  readonly threads?: number | undefined
  /** @default 'auto' */
  readonly provider?: ProviderRequest | undefined
  readonly signal?: AbortSignal | undefined
  /** Called with the conversations that are done, and all. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined
}

export interface ActivationsForTextsReport {
  readonly format: TextFormat
  readonly nConversations: number
  readonly nRows: number
  /** Rows of NaN: empty messages, and conversations without a message of the role. */
  readonly nEmpty: number
  /** Conversations without a message of the role. */
  readonly nWithout: number
  /** Answers that were tokenized again, all of them. */
  readonly nRetokenized: number
  /** Token boundaries that moved, in the answers whose own tokens are known. */
  readonly nMovedBoundaries: number
  /** Answers whose own tokens nobody knows. */
  readonly nUnknownBoundaries: number
  /** How many conversations each warning is about, with the first one's words. */
  readonly warnings: readonly {
    readonly code: TextWarning['code']
    readonly n: number
    readonly first: string
  }[]
  /** Says of which message each row is; absent for a CSV, whose rows are the rows. */
  readonly rowsFile?: string
}

/**
 * Extracts the activations of texts that come from elsewhere, by a teacher-forced pass over each conversation as the model's chat
 * template writes it. Text has no token ids, so it is tokenized again: the report says how many boundaries moved, where the file
 * has the answers' own tokens, and for how many answers nobody can say. Rows are conversations in the order of the file; with
 * `messages: 'all'` they are its messages of the role.
 *
 * @throws CemError `source-invalid`, `role-missing` where no message has the role, and those of `loadModel` and `extractConversations`
 */
export async function activationsForTexts(
  options: ActivationsForTextsOptions,
): Promise<ActivationsForTextsReport> {
  const { texts, output, role = 'assistant', messages = 'last', span = 'content', signal } = options
  const { codeBlocks = 'keep', system, onProgress, activationLayers } = options
  const format = options.format ?? (await textFormatOf(texts))
  const read = () => textConversations(texts, { format, system })
  const plan = await planTextRows(read(), { texts, role, messages })
  await using model = await loadModel(modelOptions(options))
  const { nLayers, dModel } = model.architecture
  const layers = activationLayers ?? Array.from({ length: nLayers }, (_, i) => i)
  const shape = { nRows: plan.nRows, layers, dModel }
  const scratch = await ActivationScratch.open(`${output}.rows`, shape)
  const rows: TextRow[] = []
  const warnings = new Map<TextWarning['code'], { n: number; first: string }>()
  const counts = { nRetokenized: 0, nMovedBoundaries: 0, nUnknownBoundaries: 0 }
  let nDone = 0
  try {
    const events = extractConversations({
      model,
      conversations: read(),
      layers,
      spans: [span],
      roles: [role],
      codeBlocks,
      ...(signal === undefined ? {} : { signal }),
    })
    for await (const event of events) {
      if (event.type === 'warning') {
        const { n, first } = warnings.get(event.code) ?? { n: 0, first: event.message }
        warnings.set(event.code, { n: n + 1, first })
      } else if (event.type === 'end') {
        const { nRetokenized, nMovedBoundaries, nUnknownBoundaries } = event
        Object.assign(counts, { nRetokenized, nMovedBoundaries, nUnknownBoundaries })
      } else {
        for (const { means, ...row } of textRows(event, plan, messages)) {
          const missing = () => new Float32Array(layers.length * dModel).fill(Number.NaN)
          await scratch.writeRow(row.row, means?.[span] ?? missing())
          rows.push(row)
        }
        nDone += 1
        onProgress?.(nDone, plan.nConversations)
      }
    }
    const nEmpty = rows.filter(({ isEmpty }) => isEmpty).length
    await writeActivationSet(output, scratch, {
      csv_path: texts,
      partial: false,
      empty_responses: nEmpty,
      span,
      composition_sha256: (await model.composition.record()).sha256,
    })
    const { nRows, nConversations, nWithout } = plan
    return {
      format,
      nConversations,
      nRows,
      nEmpty,
      nWithout,
      ...counts,
      warnings: Array.from(warnings, ([code, own]) => ({ code, ...own })),
      ...(format === 'csv' ? {} : { rowsFile: await writeTextRows(output, rows) }),
    }
  } finally {
    await scratch.remove()
  }
}

function modelOptions({
  base,
  layers,
  baseAliases = [],
  provider,
  signal,
  threads,
}: ActivationsForTextsOptions) {
  return {
    base,
    layers,
    baseAliases,
    provider,
    signal,
    ...(threads === undefined ? {} : { threads }),
  }
}
