import { resolveModel } from '@cem/inference'
import { openModelWeights } from '@cem/tensor-files'

export interface EmbeddingMeans {
  /** Row-major, [nAnswers, dModel]; NaN throughout for an empty answer. */
  readonly rows: Float32Array
  readonly dModel: number
}

const tensorName = 'model.embed_tokens.weight'

/**
 * Answers as bags of embeddings: the mean of their tokens' rows of the base's embedding matrix. What tells answers apart here is
 * their words, and not what a model makes of them. Only the rows of tokens that occur are read.
 *
 * @param model folder or hub id of the base
 * @param answers token ids of each answer, as they were sampled
 * @throws CemError `model-not-found`, `tensor-not-found`, and those of `openModelWeights`
 */
export async function embeddingMeans(
  model: string,
  answers: readonly (readonly number[])[],
): Promise<EmbeddingMeans> {
  const { folder } = await resolveModel(model)
  await using weights = await openModelWeights(folder)
  const embeddings = new Map<number, Float32Array>()
  for (const id of [...new Set(answers.flat())].toSorted((a, b) => a - b)) {
    const { data } = await weights.readFloat32(tensorName, { rows: { start: id, end: id + 1 } })
    embeddings.set(id, data)
  }
  const dModel = weights.tensors.get(tensorName)?.shape[1] ?? 0
  const rows = new Float32Array(answers.length * dModel)
  for (const [i, tokenIds] of answers.entries()) {
    const sum = new Float64Array(dModel)
    for (const id of tokenIds)
      for (const [j, value] of (embeddings.get(id) as Float32Array).entries())
        sum[j] = (sum[j] as number) + value
    // 0 / 0 marks an empty answer.
    rows.set(
      sum.map((value) => value / tokenIds.length),
      i * dModel,
    )
  }
  return { rows, dModel }
}
