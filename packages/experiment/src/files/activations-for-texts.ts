import { ActivationScratch, extractMeans, retokenize, writeActivationSet } from '@cem/activations'
import { type LayerRequest, loadModel, type ProviderRequest, type SpanName } from '@cem/inference'
import { readEvalCsv } from '../study/eval-csv.ts'

export interface ActivationsForCsvOptions {
  readonly csv: string
  /** The `.npz` to write. */
  readonly output: string
  readonly base: string
  readonly layers: readonly LayerRequest[]
  readonly baseAliases?: readonly string[] | undefined
  /** @default all */
  readonly activationLayers?: readonly number[] | undefined
  /** @default 'content' */
  readonly span?: SpanName | undefined
  readonly threads?: number | undefined
  /** @default 'auto' */
  readonly provider?: ProviderRequest | undefined
  readonly signal?: AbortSignal | undefined
  /** Called with the answers that are done, and all. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined
}

export interface ActivationsForCsvReport {
  readonly nRows: number
  readonly nEmpty: number
  /** Answers whose text does not come back from its new token ids. */
  readonly nUnfaithful: number
}

/**
 * Extracts the activations of a CSV's answers by a teacher-forced pass. The CSV has text and no token ids, so the answers are
 * tokenized again: the report says for how many the ids do not even give the text back.
 *
 * @throws CemError `eval-csv-invalid`, and those of `loadModel`
 */
export async function activationsForCsv({
  csv,
  output,
  base,
  layers: adapters,
  baseAliases = [],
  activationLayers,
  span = 'content',
  threads,
  provider,
  signal,
  onProgress,
}: ActivationsForCsvOptions): Promise<ActivationsForCsvReport> {
  const rows = await readEvalCsv(csv)
  await using model = await loadModel({
    base,
    layers: adapters,
    baseAliases,
    provider,
    signal,
    ...(threads === undefined ? {} : { threads }),
  })
  const { nLayers, dModel } = model.architecture
  const layers = activationLayers ?? Array.from({ length: nLayers }, (_, i) => i)
  const responses = rows.map(({ question, response }) =>
    retokenize(model.tokenizer, { messages: [{ role: 'user', content: question }], response }),
  )
  const scratchPath = `${output}.rows`
  const scratch = await ActivationScratch.open(scratchPath, { nRows: rows.length, layers, dModel })
  let nEmpty = 0
  try {
    const extracted = extractMeans({
      model,
      responses,
      layers,
      spans: [span],
      ...(signal === undefined ? {} : { signal }),
      onProgress: ({ nDone, nTotal }) => onProgress?.(nDone, nTotal),
    })
    for await (const { index, means, isEmpty } of extracted) {
      await scratch.writeRow(index, means[span] as Float32Array)
      if (isEmpty) nEmpty += 1
    }
    await writeActivationSet(output, scratch, {
      csv_path: csv,
      partial: false,
      empty_responses: nEmpty,
      span,
      composition_sha256: (await model.composition.record()).sha256,
    })
  } finally {
    await scratch.remove()
  }
  const nUnfaithful = responses.filter((response) => !response.isFaithful).length
  return { nRows: rows.length, nEmpty, nUnfaithful }
}
