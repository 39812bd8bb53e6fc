// A fresh process that loads a model and samples one token. Arguments: MODEL CACHE. Prints { loadInMs, firstTokenInMs,
// sinceStartInMs }, both from the call of `loadModel`, and the last from the process's start.
import { loadModel } from '../../packages/inference/dist/index.js'

const [base, cache] = process.argv.slice(2) as [string, string]
const start = performance.now()
const model = await loadModel({ base, cache })
const loaded = performance.now()
const tokenIds = Array.from({ length: 64 }, (_, i) => (i * 37) % 300)
const answers = model.generate({
  prompts: [{ id: 'first', tokenIds }],
  seed: 0,
  maxNewTokens: 1,
  stopTokenIds: [],
})
for await (const _ of answers);
const end = performance.now()
process.stdout.write(
  JSON.stringify({
    loadInMs: loaded - start,
    firstTokenInMs: end - start,
    sinceStartInMs: end,
  }),
)
await model[Symbol.asyncDispose]()
