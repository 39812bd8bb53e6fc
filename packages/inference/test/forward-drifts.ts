import type { Model } from '../src/index.ts'
import { drift, type GoldenModel, type GoldenPrompt } from './golden.ts'

/** How far logits, states of every layer and log-probabilities of each prompt lie from the golden file's. */
export async function forwardDrifts(
  model: Model,
  golden: GoldenModel,
  prompts: readonly GoldenPrompt[],
) {
  const whole = (n: number) => ({ start: 0, end: n })
  const sequences = prompts.map(({ name, ids }) => ({
    id: name,
    tokenIds: ids,
    logits: whole(ids.length),
    states: whole(ids.length),
    ...(ids.length > 1 ? { logprobs: { start: 1, end: ids.length } } : {}),
  }))
  const drifts: { what: string; value: number }[] = []
  for await (const scored of model.score({ sequences })) {
    const expected = prompts.find((p) => p.name === scored.id) as GoldenPrompt
    const { vocabSize, dModel } = model.architecture
    const logits = pick(scored.logits, expected.positions, vocabSize)
    if (expected.positions.length > 0)
      drifts.push({ what: `${scored.id} logits`, value: drift(logits, expected.logits) })
    for (const [layer, states] of expected.layers.entries()) {
      const all = pick(scored.states, expected.positions, dModel, layer, golden.nLayers)
      drifts.push({ what: `${scored.id} layer ${layer}`, value: drift(all, states) })
    }
    if (expected.ids.length > 1)
      drifts.push({
        what: `${scored.id} logprobs`,
        value: drift(scored.logprobs ?? [], expected.tokenLogprobs),
      })
  }
  return drifts
}

/** Rows of [n, stride, width] at one index of the middle axis. */
function pick(
  values: Float32Array | null,
  positions: readonly number[],
  width: number,
  index = 0,
  stride = 1,
): number[] {
  return positions.flatMap((position) => {
    const start = (position * stride + index) * width
    return Array.from(values?.subarray(start, start + width) ?? [])
  })
}
