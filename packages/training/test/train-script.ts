/**
 * A training in a process of its own, for tests that kill it:
 *
 *     node train-script.ts OUTPUT DATA CACHE DELAY_IN_MS
 */
import { trainSft } from '../src/index.ts'
import { countingTrainer } from './counting-trainer.ts'
import { tinyModel } from './tiny.ts'

const [output = '', data = '', cache = '', delay = '0'] = process.argv.slice(2)
const options = {
  output,
  base: tinyModel,
  data: [{ path: data }],
  cache,
  steps: 30,
  batchSize: 4,
  learningRate: 0.05,
  saveSteps: 5,
  evaluationShare: 0.2,
  seed: 3,
  lora: { rank: 64, alpha: 64, targetModules: ['down_proj'], layersToTransform: [0] },
  trainer: countingTrainer({ delayInMs: Number(delay) }),
}
try {
  for await (const event of trainSft(options)) process.stdout.write(`${JSON.stringify(event)}\n`)
} catch (error) {
  process.stdout.write(
    `${JSON.stringify({ type: 'error', ...(error as object), message: String(error) })}\n`,
  )
  process.exitCode = 1
}
