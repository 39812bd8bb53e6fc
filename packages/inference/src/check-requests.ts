import { CemError } from '@cem/core'
import type { Architecture } from './families/architecture.ts'
import type { GenerateOptions, ScoreOptions } from './model-api.ts'

/** @throws CemError `invalid-request` */
export function checkGeneration(
  { prompts, temperature = 1, maxNewTokens = 600, batchSize, capture, ...given }: GenerateOptions,
  encoded: readonly Int32Array[],
  stopTokenIds: readonly number[],
  architecture: Architecture,
): void {
  if (!(temperature >= 0 && temperature < Number.POSITIVE_INFINITY))
    throw invalid(`temperature is ${temperature}; it must be 0 (greedy) or a positive number`)
  const { topK, topP = 1 } = given
  if (topK !== undefined && (!Number.isInteger(topK) || topK < 1))
    throw invalid(`topK is ${topK}; it must be a positive integer, or be left out for all tokens`)
  if (!(topP > 0 && topP <= 1))
    throw invalid(`topP is ${topP}; it must be more than 0 and at most 1 (all tokens)`)
  if (!Number.isInteger(maxNewTokens) || maxNewTokens < 1)
    throw invalid(`maxNewTokens is ${maxNewTokens}; it must be a positive integer`)
  if (batchSize !== undefined) checkBatchSize(batchSize)
  const { topLogprobs = 0, logprobs = false } = given
  if (!Number.isInteger(topLogprobs) || topLogprobs < 0 || (topLogprobs > 0 && !logprobs))
    throw invalid(
      `topLogprobs is ${topLogprobs}; it must be an integer of at least 0, and 0 without logprobs`,
    )
  if (given.stopTokenIds === undefined && stopTokenIds.length === 0)
    throw invalid(
      'no stop tokens are known (eos_token_id is missing in generation_config.json and config.json): give stopTokenIds',
    )
  checkLayers(capture?.layers ?? [], architecture)
  for (const [i, ids] of encoded.entries())
    checkTokens(ids, `prompt '${prompts[i]?.id}'`, architecture)
}

/** @throws CemError `invalid-request` */
export function checkBatchSize(batchSize: number): void {
  if (!Number.isInteger(batchSize) || batchSize < 1)
    throw invalid(`batchSize is ${batchSize}; it must be a positive integer`)
}

/** @throws CemError `invalid-request` */
export function checkSequence(
  {
    id,
    tokenIds,
    spans = {},
    logprobs,
    logits,
    states,
    generated,
    ...wanted
  }: ScoreOptions['sequences'][number],
  architecture: Architecture,
): void {
  checkTokens(tokenIds, `sequence '${id}'`, architecture)
  const { topLogprobs = 0 } = wanted
  if (!Number.isInteger(topLogprobs) || topLogprobs < 0 || (topLogprobs > 0 && !logprobs))
    throw invalid(
      `sequence '${id}': topLogprobs is ${topLogprobs}; it must be an integer of at least 0, and 0 without logprobs`,
    )
  const ranges = { ...spans, logits, states, generated, logprobs }
  for (const [name, range] of Object.entries(ranges)) {
    if (range === undefined) continue
    const first = name === 'logprobs' ? 1 : 0
    if (!(range.start >= first && range.start < range.end && range.end <= tokenIds.length))
      throw invalid(
        `sequence '${id}': the range ${name} is [${range.start}, ${range.end}); it must lie in [${first}, ${tokenIds.length}) and not be empty`,
      )
  }
}

function checkTokens(ids: ArrayLike<number>, what: string, { vocabSize }: Architecture): void {
  if (ids.length === 0) throw invalid(`${what} has no tokens`)
  for (let i = 0; i < ids.length; i++) {
    const token = ids[i] as number
    if (!(Number.isInteger(token) && token >= 0 && token < vocabSize))
      throw invalid(`${what} holds the token ${token}; the model has ${vocabSize}`)
  }
}

function checkLayers(layers: readonly number[], { nLayers }: Architecture): void {
  for (const layer of layers)
    if (!Number.isInteger(layer) || layer < 0 || layer >= nLayers)
      throw invalid(`layer ${layer} does not exist; the model has layers 0 to ${nLayers - 1}`)
}

/** @param reason without a full stop */
export function invalid(reason: string): CemError {
  return new CemError({ code: 'invalid-request', message: `${reason}.` })
}
