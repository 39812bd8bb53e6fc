import type { Model, Progress, SpanName, TokenRange } from '@cem/inference'
import { responseSpans, type StoredResponse } from './response-spans.ts'

export interface ExtractMeansOptions {
  readonly model: Model
  readonly responses: readonly StoredResponse[]
  /** @default all */
  readonly layers?: readonly number[]
  /** @default ['content'] */
  readonly spans?: readonly SpanName[]
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: Progress) => void
}

export interface ResponseMeans {
  /** Index of the response. */
  readonly index: number
  /** For each span that was asked for, [layers.length, dModel]; NaN throughout for an empty response. */
  readonly means: Readonly<Partial<Record<SpanName, Float32Array>>>
  readonly isEmpty: boolean
}

/** Responses that are handed to the model at once, so that their token ids are not all copied before the first runs. */
const chunkSize = 256

/**
 * Mean hidden states of given responses by a teacher-forced pass: the reference for the means that are gathered while
 * generating, and the way for responses that were generated elsewhere. Results come in the order of their length, chunk by
 * chunk; memory does not grow with the number of responses.
 *
 * @throws CemError as `Model.score`; `signal.reason`
 */
export async function* extractMeans({
  model,
  responses,
  layers = Array.from({ length: model.architecture.nLayers }, (_, i) => i),
  spans = ['content'],
  signal,
  onProgress,
}: ExtractMeansOptions): AsyncGenerator<ResponseMeans, void> {
  const closing = spans.includes('turn') ? model.tokenizer.closingTokenIds() : []
  const empty = () => new Float32Array(layers.length * model.architecture.dModel).fill(Number.NaN)
  let nDone = 0
  let nTokens = 0
  for (let start = 0; start < responses.length; start += chunkSize) {
    const chunk = responses.slice(start, start + chunkSize)
    const sequences = chunk.flatMap((response, i) => {
      const { tokenIds, spans: ranges } = responseSpans(response, closing)
      const wanted = pick(ranges, spans)
      return Object.keys(wanted).length === 0
        ? []
        : [{ id: String(start + i), tokenIds, spans: wanted }]
    })
    for (const [i, { tokenIds }] of chunk.entries())
      if (tokenIds.length === 0) {
        nDone += 1
        const means = Object.fromEntries(spans.map((span) => [span, empty()]))
        yield { index: start + i, means, isEmpty: true }
      }
    const options = { sequences, layers, ...(signal === undefined ? {} : { signal }) }
    for await (const { id, means } of model.score(options)) {
      const index = Number(id)
      nDone += 1
      nTokens += (responses[index] as StoredResponse).tokenIds.length
      onProgress?.({ nDone, nTokens, nTotal: responses.length })
      yield { index, means, isEmpty: false }
    }
  }
  onProgress?.({ nDone, nTokens, nTotal: responses.length })
}

function pick(
  ranges: Readonly<Partial<Record<SpanName, TokenRange>>>,
  spans: readonly SpanName[],
): Record<string, TokenRange> {
  const wanted: Record<string, TokenRange> = {}
  for (const span of spans) {
    const range = ranges[span]
    if (range !== undefined) wanted[span] = range
  }
  return wanted
}
