// Opens the step's graphs of a tiny model on WebGPU, and leaves the runtime's log of where it put each node on stderr:
// node place-step-graph.ts FIXTURE lora|full|update
import { compose } from '@cem/inference'
import { commonFolder, createSession, locationIn } from '@cem/inference/runtime'
import { loraModules } from '../src/adapters/lora-method.ts'
import { fullParameters, loraParameters } from '../src/graph/parameter-names.ts'
import { buildGradientGraph } from '../src/graph/step-graph.ts'
import { buildUpdateGraph } from '../src/graph/update-graph.ts'
import { resolveAdamW } from '../src/trainer/adamw.ts'
import { fixture } from './golden.ts'

const [name = '', kind = ''] = process.argv.slice(2)
const { architecture, weights } = (await compose({ base: fixture(name) })).base
const folder = commonFolder([...new Set(Array.from(weights.values(), (w) => w.file))])
const options = { threads: 1, folder, provider: 'webgpu', logsPlacement: true } as const
await (await createSession(model(), options)).release()
// The software driver's threads would keep the process.
process.exit(0)

function model(): Uint8Array {
  if (kind === 'update') return buildUpdateGraph(resolveAdamW(), true)
  const lora = { type: 'lora', rank: 4, alpha: 8, targetModules: 'all-linear' } as const
  const modules = kind === 'lora' ? loraModules(lora, architecture) : []
  return buildGradientGraph({
    architecture,
    weights,
    modules,
    parameters: kind === 'lora' ? loraParameters(modules) : fullParameters(architecture),
    // With every term that there is.
    objective: { type: 'dpo', beta: 0.1, nllCoefficient: 0.1, klCoefficient: 0.001 },
    recompute: true,
    frozenAdapters: new Set(),
    locate: (file) => locationIn(folder, file),
  })
}
