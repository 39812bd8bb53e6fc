import type { Model, Progress, SpanName, TokenRange } from '@cem/inference'
import {
  type CodeBlocks,
  pooledMean,
  type SpanRanges,
  scoreSpans,
  spanRanges,
} from './conversations/span-ranges.ts'
import { responseCode, responseSpans, type StoredResponse } from './response-spans.ts'

export interface ExtractMeansOptions {
  readonly model: Model
  readonly responses: readonly StoredResponse[]
  /** @default all */
  readonly layers?: readonly number[]
  /** @default ['content'] */
  readonly spans?: readonly SpanName[]
  /** Whether the tokens of fenced code blocks count. @default 'keep' */
  readonly codeBlocks?: CodeBlocks
  readonly signal?: AbortSignal
  /** Called after each batch, and once at the end. */
  readonly onProgress?: (progress: Progress) => void
}

export interface ResponseMeans {
  /** Index of the response. */
  readonly index: number
  /** For each span that was asked for, [layers.length, dModel]; NaN throughout where no token is left. */
  readonly means: Readonly<Partial<Record<SpanName, Float32Array>>>
  /** The response is empty, or all of it is code that was left out. */
  readonly isEmpty: boolean
  /** Tokens that were left out as code. */
  readonly nCodeTokens: number
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
  codeBlocks = 'keep',
  signal,
  onProgress,
}: ExtractMeansOptions): AsyncGenerator<ResponseMeans, void> {
  const length = layers.length * model.architecture.dModel
  let nDone = 0
  let nTokens = 0
  for (let start = 0; start < responses.length; start += chunkSize) {
    const chunk = responses
      .slice(start, start + chunkSize)
      .map((response, i) => planOf(model, response, start + i, spans, codeBlocks))
    const finish = ({ index, ranges, isEmpty, nCodeTokens }: Plan, means = noMeans) => {
      const pooled = spans.map((span) => [
        span,
        pooledMean(means, span, ranges[span] ?? [], length),
      ])
      return { index, means: Object.fromEntries(pooled), isEmpty, nCodeTokens }
    }
    for (const plan of chunk)
      if (plan.isEmpty) {
        nDone += 1
        yield finish(plan)
      }
    const filled = chunk.filter(({ isEmpty }) => !isEmpty)
    const options = {
      sequences: filled.map(({ tokenIds, ranges }, at) => ({
        id: String(at),
        tokenIds,
        spans: Object.assign({}, ...spans.map((span) => scoreSpans(span, ranges[span] ?? []))),
      })),
      layers,
      ...(signal === undefined ? {} : { signal }),
    }
    for await (const { id, means } of model.score(options)) {
      const plan = filled[Number(id)] as Plan
      nDone += 1
      nTokens += (responses[plan.index] as StoredResponse).tokenIds.length
      onProgress?.({ nDone, nTokens, nTotal: responses.length })
      yield finish(plan, means)
    }
  }
  onProgress?.({ nDone, nTokens, nTotal: responses.length })
}

const noMeans: Readonly<Record<string, Float32Array>> = {}

interface Plan {
  readonly index: number
  readonly tokenIds: readonly number[]
  readonly ranges: Readonly<Partial<Record<SpanName, readonly TokenRange[]>>>
  readonly isEmpty: boolean
  readonly nCodeTokens: number
}

function planOf(
  { tokenizer }: Model,
  response: StoredResponse,
  index: number,
  spans: readonly SpanName[],
  codeBlocks: CodeBlocks,
): Plan {
  const closing = spans.includes('turn') ? tokenizer.closingTokenIds() : []
  const { tokenIds, spans: whole } = responseSpans(response, closing)
  const { content, turn } = whole
  if (content === undefined || turn === undefined)
    return { index, tokenIds, ranges: {}, isEmpty: true, nCodeTokens: 0 }
  const code = codeBlocks === 'keep' ? [] : responseCode(tokenizer, response)
  const tokens = { content, turn, code }
  const of = (span: SpanName): SpanRanges => spanRanges(tokens, span, codeBlocks)
  const { ranges, nCodeTokens } = of('content')
  return {
    index,
    tokenIds,
    ranges: Object.fromEntries(spans.map((span) => [span, of(span).ranges])),
    isEmpty: ranges.length === 0,
    nCodeTokens,
  }
}
