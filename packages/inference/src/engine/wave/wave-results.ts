import { CemError } from '@cem/core'
import type { Architecture } from '../../families/architecture.ts'
import { outputs, sumNames } from '../../graph/wave/wave-names.ts'
import type { GeneratedItem, GenerationSpec } from '../messages.ts'
import type { Tensor } from '../runtime.ts'

type Results = Readonly<Record<string, Tensor>>

/** One row's answer out of a wave's outputs. */
export function generatedItem(
  spec: GenerationSpec,
  architecture: Architecture,
  results: Results,
  row: number,
): GeneratedItem {
  const n = spec.items.length
  const tokens = results[outputs.tokens]?.data as BigInt64Array
  const logprobs = results[outputs.logprobs]?.data as Float32Array
  const tokenIds: number[] = []
  for (let at = row; at < tokens.length && (tokens[at] as bigint) >= 0n; at += n)
    tokenIds.push(Number(tokens[at]))
  const isStop = tokenIds.length < spec.maxNewTokens
  const nScored = tokenIds.length + (isStop ? 1 : 0)
  return {
    index: row,
    tokenIds: Int32Array.from(tokenIds),
    finishReason: isStop ? 'stop' : 'length',
    logprobs: spec.wantsLogprobs
      ? Float32Array.from({ length: nScored }, (_, i) => logprobs[i * n + row] as number)
      : null,
    topLogprobs: null,
    ...means(spec, architecture, results, row, tokenIds.length),
  }
}

function means(
  { capture }: GenerationSpec,
  { dModel }: Architecture,
  results: Results,
  row: number,
  nContent: number,
): Pick<GeneratedItem, 'content' | 'turn'> {
  if (capture === null || nContent === 0) return { content: null, turn: null }
  const content = new Float32Array(capture.layers.length * dModel)
  const turn = new Float32Array(content.length)
  const nTurn = nContent + capture.closingTokenIds.length
  for (const [i, layer] of capture.layers.entries()) {
    const names = sumNames(layer)
    const sums = results[names.content]?.data as Float32Array
    const closings = results[names.closing]?.data as Float32Array
    for (let j = 0; j < dModel; j++) {
      const sum = sums[row * dModel + j] as number
      content[i * dModel + j] = sum / nContent
      turn[i * dModel + j] = (sum + (closings[row * dModel + j] as number)) / nTurn
    }
  }
  if (content.some((value) => !Number.isFinite(value)))
    throw new CemError({
      code: 'activations-not-finite',
      message:
        'The model computed NaN or infinite numbers while it generated. Its weights or an adapter have diverged, or overflow in this precision.',
    })
  return { content, turn: capture.wantsTurn ? turn : null }
}
