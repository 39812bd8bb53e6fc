import { availableMemory, estimateMemory, openModelFolder } from '@cem/inference'
import { formatTable } from '../summary.ts'

/** What the estimates are made for: the sizes of an evaluation with activations. */
const promptTokens = 64
const positions = 664
const batches = [1, 8, 50]

/** A model's memory by precision and batch, estimated before anything is loaded. */
export async function memoryLines(reference: string): Promise<string[]> {
  const { architecture, name } = await openModelFolder(reference)
  const gibibytes = (bytes: number) => `${(bytes / 2 ** 30).toFixed(2)} GiB`
  const rows = (['f32', 'int8'] as const).map((precision) => {
    const estimate = (batch: number) =>
      estimateMemory(architecture, { precision, batch, positions, promptTokens, capture: true })
    const { weights, loaded, loadPeak } = estimate(1)
    const totals = batches.map((batch) => gibibytes(estimate(batch).total))
    return [precision, ...[weights, loaded, loadPeak].map(gibibytes), ...totals]
  })
  const head = ['', 'weights', 'loaded', 'load peak', ...batches.map((batch) => `batch ${batch}`)]
  return [
    `memory of ${name}, estimated (${positions} positions, activations gathered); ${gibibytes(availableMemory())} are available`,
    ...formatTable([head, ...rows]),
    'On the CPU files in bf16 and f16 are 32-bit floats in memory: the runtime has no kernels for them there.',
  ]
}
