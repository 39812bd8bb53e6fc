import { CemError } from '@cem/core'
import type { Architecture } from '../../families/architecture.ts'
import { inputs as decoderInputs } from '../../graph/io-names.ts'
import { noiseKeys } from '../../graph/token-noise.ts'
import { inputs } from '../../graph/wave/wave-names.ts'
import type { ForwardRun } from '../decoder-session.ts'
import { InterventionPlan, noInterventions, tokenPlaces } from '../intervention-plan.ts'
import type { GenerationItem, GenerationSpec } from '../messages.ts'
import { boolean, floats, int32s, int64s, type Tensor } from '../runtime.ts'
import { truncationFeeds } from '../truncation-feeds.ts'

interface Feeds {
  readonly feeds: Record<string, Tensor>
  /** Rows that the rotary tables need. */
  readonly nPositions: number
}

/** The inputs of a wave that answers all items of a request. */
export function waveFeeds(
  architecture: Architecture,
  spec: GenerationSpec,
  segment: number,
): Feeds {
  const { items, prompts, maxNewTokens } = spec
  const closing = spec.capture?.wantsTurn === true ? spec.capture.closingTokenIds : []
  const nSegments = Math.ceil(stepsOf(spec) / segment)
  const longest = Math.max(1, ...prompts.map((prompt) => prompt.length - 1))
  const tokens = new BigInt64Array(prompts.length * longest)
  for (const [i, prompt] of prompts.entries())
    tokens.set(Array.from(prompt.subarray(0, -1), BigInt), i * longest)
  const promptOf = (item: GenerationItem) => prompts[item.promptIndex] as Int32Array
  const firstLengths = Int32Array.from(items, (item) => promptOf(item).length - 1)
  const n = items.length
  return {
    nPositions: Math.max(...firstLengths) + stepsOf(spec),
    feeds: {
      ...promptFeeds(tokens, prompts.length, longest, (i) =>
        Math.max(0, (prompts[i]?.length ?? 0) - 2),
      ),
      ...rowFeeds(
        items.map((item) => ({
          prompt: item.promptIndex,
          first: promptOf(item).at(-1) as number,
        })),
        firstLengths,
      ),
      ...endFeeds(spec.stopTokenIds, closing, maxNewTokens),
      ...noiseFeeds(items, nSegments * segment),
      ...noReadout(prompts.length * longest),
      ...interventionFeeds(architecture, spec, longest),
      [inputs.maxSegments]: long(nSegments),
      [inputs.temperatures]: floats(new Float32Array(n).fill(spec.temperature), [n]),
      ...truncationFeeds(spec.truncation, n, [n]),
    },
  }
}

/** Tokens that a row feeds at most after its prompt: the answer's, one more to have the last one's state, and the closing's. */
export function stepsOf({ maxNewTokens, capture }: GenerationSpec): number {
  return maxNewTokens + 1 + (capture?.wantsTurn === true ? capture.closingTokenIds.length : 0)
}

/** The inputs of a run that reads given texts as prompts, and answers nothing. */
export function scoringFeeds(architecture: Architecture, run: ForwardRun, segment: number): Feeds {
  const { nRows, nColumns, tokenIds } = run
  const logitRows = run.logitRows === undefined || run.logitRows.length === 0 ? [0n] : run.logitRows
  const width = nRows * nColumns
  // One row and no segment: the loop is there, and does nothing.
  const item = { promptIndex: 0, noise: { low: 0, high: 0 } }
  return {
    nPositions: nColumns,
    feeds: {
      ...promptFeeds(
        BigInt64Array.from(tokenIds, BigInt),
        nRows,
        nColumns,
        (row) => run.lastPositions[row] as number,
      ),
      ...rowFeeds([{ prompt: 0, first: 0 }], Int32Array.of(0)),
      ...endFeeds([], [], 1),
      ...noiseFeeds([item], segment),
      ...noReadout(width),
      ...(run.pool === undefined
        ? {}
        : {
            [inputs.poolWeights]: floats(run.pool.weights, [
              run.pool.weights.length / width,
              width,
            ]),
          }),
      [inputs.logitRows]: int64s(BigInt64Array.from(logitRows), [logitRows.length]),
      [inputs.targets]: int64s(BigInt64Array.from(run.targets ?? logitRows.map(() => 0n)), [
        logitRows.length,
      ]),
      ...noInterventions(
        architecture,
        {
          [decoderInputs.interventionTerms]: width,
          [inputs.edgeTerms]: 1,
          [inputs.answerTerms]: 1,
        },
        1,
      ),
      ...run.interventions,
      [decoderInputs.isPoolingBefore]: boolean(run.pool?.isBefore === true),
      [inputs.maxSegments]: long(0),
      [inputs.temperatures]: floats(Float32Array.of(0), [1]),
      ...truncationFeeds(null, 1, [1]),
    },
  }
}

function promptFeeds(
  tokens: BigInt64Array,
  nPrompts: number,
  length: number,
  lastOf: (prompt: number) => number,
): Record<string, Tensor> {
  const lasts = Int32Array.from({ length: nPrompts }, (_, i) => lastOf(i))
  return {
    [inputs.promptTokens]: int64s(tokens, [nPrompts, length]),
    [inputs.promptLasts]: int32s(lasts, [nPrompts]),
    [inputs.promptLength]: int(length),
  }
}

function rowFeeds(
  rows: readonly { readonly prompt: number; readonly first: number }[],
  lengths: Int32Array,
): Record<string, Tensor> {
  const n = rows.length
  const longs = (values: readonly number[]) => int64s(BigInt64Array.from(values, BigInt), [n])
  return {
    [inputs.rows]: longs(rows.map((_, i) => i)),
    [inputs.rowPrompts]: longs(rows.map(({ prompt }) => prompt)),
    [inputs.firstTokens]: longs(rows.map(({ first }) => first)),
    [inputs.firstLengths]: int32s(lengths, [n]),
    [inputs.firstTotal]: int(Math.max(...lengths) + 1),
  }
}

function endFeeds(
  stopTokenIds: readonly number[],
  closing: readonly number[],
  maxNewTokens: number,
): Record<string, Tensor> {
  const stops = BigInt64Array.from(stopTokenIds.length === 0 ? [-1] : stopTokenIds, BigInt)
  const closings = BigInt64Array.from(closing.length === 0 ? [0] : closing, BigInt)
  return {
    [inputs.stopTokens]: int64s(stops, [1, stops.length]),
    [inputs.closingTokens]: int64s(closings, [closings.length]),
    [inputs.nClosing]: int(closing.length),
    [inputs.lastClosing]: long(closings.length - 1),
    [inputs.maxNewTokens]: int(maxNewTokens),
  }
}

function noiseFeeds(items: readonly GenerationItem[], nSteps: number): Record<string, Tensor> {
  const n = items.length
  const keysA = new Int32Array(nSteps * n)
  const keysB = new Int32Array(nSteps * n)
  for (const [row, { noise }] of items.entries())
    for (let step = 0; step < nSteps; step++) {
      const { a, b } = noiseKeys(noise, step)
      keysA[step * n + row] = a
      keysB[step * n + row] = b
    }
  return {
    [inputs.noiseKeysA]: int32s(keysA, [nSteps, n]),
    [inputs.noiseKeysB]: int32s(keysB, [nSteps, n]),
  }
}

/** Interventions on the prompts' tokens but the last, on those and closing tokens, and on answers' tokens. */
function interventionFeeds(
  architecture: Architecture,
  { interventions, prompts, items, capture }: GenerationSpec,
  promptLength: number,
): Record<string, Tensor> {
  const nPrompt = prompts.length * promptLength
  const n = items.length
  const ofItems = items.map((item) => item.promptIndex)
  const other = new Uint8Array(nPrompt).fill(tokenPlaces.other)
  const ends = new Uint8Array(n).fill(tokenPlaces.promptEnd)
  const generated = new Uint8Array(n).fill(tokenPlaces.generated)
  const isPoolingBefore = boolean(capture?.isBefore === true)
  if (interventions === null) {
    const sizes = {
      [decoderInputs.interventionTerms]: nPrompt,
      [inputs.edgeTerms]: n,
      [inputs.answerTerms]: n,
    }
    return {
      ...noInterventions(architecture, sizes, 1),
      [decoderInputs.isPoolingBefore]: isPoolingBefore,
    }
  }
  const steps = interventions.lists.flat()
  if (capture?.wantsTurn === true && steps.some(({ positions }) => positions === 'prompt-end'))
    throw new CemError({
      code: 'intervention-invalid',
      message:
        'On CUDA, interventions at prompt-end cannot be told from the closing tokens of the span turn. Capture the span content instead.',
    })
  const ofPrompts = Int32Array.from({ length: nPrompt }, (_, i) => Math.floor(i / promptLength))
  return {
    ...new InterventionPlan(architecture, interventions).feeds({
      [decoderInputs.interventionTerms]: { lists: ofPrompts, places: other },
      [inputs.edgeTerms]: { lists: ofItems, places: ends },
      [inputs.answerTerms]: { lists: ofItems, places: generated },
    }),
    [decoderInputs.isPoolingBefore]: isPoolingBefore,
  }
}

/** One row of each, which nobody reads: CUDA takes no empty matrices. */
function noReadout(width: number): Record<string, Tensor> {
  return {
    [inputs.poolWeights]: floats(new Float32Array(width), [1, width]),
    [inputs.logitRows]: int64s(BigInt64Array.of(0n), [1]),
    [inputs.targets]: int64s(BigInt64Array.of(0n), [1]),
  }
}

function int(value: number): Tensor {
  return int32s(Int32Array.of(value), [])
}

function long(value: number): Tensor {
  return int64s(BigInt64Array.of(BigInt(value)), [])
}
