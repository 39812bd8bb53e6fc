// The direction between two models, from the mean states of their answers at one layer, as numpy reads it.
import { join } from 'node:path'
import { meanDirection } from '@cem/direction'
import { loadModel } from '@cem/inference'
import { evaluationQuestions, miniatureFolder } from '@cem/miniature'
import { createNpzWriter } from '@cem/tensor-files'

const folder = miniatureFolder()
const layer = 2
async function states(layers: Parameters<typeof loadModel>[0]['layers']) {
  await using model = await loadModel({
    base: join(folder, 'models/coherent'),
    ...(layers === undefined ? {} : { layers }),
    baseAliases: ['cem-miniature/coherent'],
    provider: 'cpu',
  })
  const { dModel } = model.architecture
  const rows: number[] = []
  for await (const { activations } of model.generate({
    prompts: evaluationQuestions.map(({ id, text }) => ({
      id,
      messages: [{ role: 'user' as const, content: text }],
      samples: 2,
    })),
    seed: 42,
    maxNewTokens: 40,
    capture: { layers: [layer] },
  }))
    rows.push(...(activations?.content ?? []))
  return { rows: Float32Array.from(rows), dModel }
}
const adapter = join(folder, 'outputs/miniature_baseline/checkpoint-160')
const { vector, displacementNorm } = meanDirection({
  without: await states(undefined),
  with: await states([{ role: 'em', mode: 'stacked', adapter }]),
})
{
  await using writer = await createNpzWriter('direction.npz')
  await writer.add(`layer_${layer}`, { dtype: 'F32', shape: [vector.length], data: vector })
}
console.log(vector.length, Math.hypot(...vector).toFixed(3), displacementNorm > 1)

// prints:
// 128 1.000 true
