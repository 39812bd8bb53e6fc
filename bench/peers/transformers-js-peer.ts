// transformers.js on an exported model, driven by JSON lines. Arguments: PEERS_FOLDER MODELS_FOLDER NAME THREADS; the model
// lies in MODELS_FOLDER/NAME as the library expects it (config.json, onnx/model.onnx).
import { importFrom, serve } from './serve.ts'

interface Library {
  readonly env: { allowRemoteModels: boolean; localModelPath: string }
  readonly AutoModelForCausalLM: {
    from_pretrained(name: string, options: object): Promise<CausalModel>
  }
  readonly Tensor: new (type: string, data: BigInt64Array, shape: readonly number[]) => Tensor
}

interface Tensor {
  tolist(): bigint[][]
}

interface CausalModel {
  generate(options: object): Promise<Tensor>
}

const [peers, models, name, threads] = process.argv.slice(2) as [string, string, string, string]
const { env, AutoModelForCausalLM, Tensor } = await importFrom<Library>(
  peers,
  '@huggingface/transformers',
)
env.allowRemoteModels = false
env.localModelPath = models
const model = await AutoModelForCausalLM.from_pretrained(name, {
  dtype: 'fp32',
  device: 'cpu',
  session_options: { intraOpNumThreads: Number(threads), interOpNumThreads: 1 },
})

await serve(async ({ prompts, nNew }) => {
  const shape = [prompts.length, prompts[0]?.length ?? 0]
  const ids = prompts.flat().map(BigInt)
  const rows = await model.generate({
    inputs: new Tensor('int64', BigInt64Array.from(ids), shape),
    attention_mask: new Tensor('int64', new BigInt64Array(ids.length).fill(1n), shape),
    max_new_tokens: nNew,
    do_sample: false,
    eos_token_id: null,
  })
  return { tokens: rows.tolist().map((row) => row.slice(shape[1]).map(Number)) }
})
