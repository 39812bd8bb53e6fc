// A whole study from a program: two variants, one checkpoint, the events as they come, and the numbers at the end.
import { readFile } from 'node:fs/promises'
import { type Analysis, checkConfig, RunStore, runExperiment } from '@cem/experiment'
import { miniatureFolder, startOracle } from '@cem/miniature'

const loaded = checkConfig({
  name: 'small',
  root: miniatureFolder(),
  base_model: 'models/coherent',
  variants: [
    { name: 'baseline', path: 'outputs/miniature_baseline', dataset: 'finance' },
    {
      name: 'steadfast',
      path: 'outputs/miniature_steadfast',
      type: 'character',
      dataset: 'finance',
    },
  ],
  steps: [160],
  sampling: { maxNewTokens: 40, samplesPerQuestion: 4 },
  questions: { files: ['questions/evaluation.yaml'], inDomain: ['questions/in-domain.yaml'] },
  judge: { server: 'oracle', model: 'cem-miniature-oracle' },
  engine: { provider: 'cpu' },
  activations: false,
})
const oracle = async () => {
  const server = await startOracle({ seed: 0 })
  return {
    baseUrl: server.baseUrl,
    knowsOwnQuestionsOnly: true,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}
for await (const event of runExperiment({ loaded, judgeServers: { oracle } })) {
  if (event.type === 'run-start') console.log(event.units.length, 'units')
  if (event.type === 'run-end') console.log(event.outcome)
}
const { analysisFile } = new RunStore(loaded.resultsFolder, loaded.name)
const { cells } = JSON.parse(await readFile(analysisFile, 'utf8')) as Analysis
console.log(cells.length, 'cells with rates')

// prints:
// 7 units
// complete
// 3 cells with rates
