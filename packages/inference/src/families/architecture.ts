import type { Rope } from './rope.ts'

/** The linear modules of a decoder block, by their names in Hugging Face's weights. */
export const linearKinds = [
  'self_attn.q_proj',
  'self_attn.k_proj',
  'self_attn.v_proj',
  'self_attn.o_proj',
  'mlp.gate_proj',
  'mlp.up_proj',
  'mlp.down_proj',
] as const
export type LinearKind = (typeof linearKinds)[number]

/** What a decoder of a known family is made of: sizes, constants and which parts it has. Plain data. */
export interface Architecture {
  /** `model_type` of config.json. */
  readonly family: string
  readonly nLayers: number
  readonly dModel: number
  readonly nHeads: number
  readonly nKvHeads: number
  readonly headDim: number
  readonly dFeedForward: number
  readonly vocabSize: number
  /** What the embeddings are multiplied by, in 32-bit floats. */
  readonly embeddingScale: number
  readonly rmsNormEpsilon: number
  /** RMS norms multiply by the stored weight, or by 1 + weight. */
  readonly normWeight: 'as-stored' | 'one-plus'
  /** Norms after attention and after the MLP too, before their results join the residual stream. */
  readonly hasPostNorms: boolean
  /** Each head's query and key are normed before the rotary embedding. */
  readonly hasQueryKeyNorms: boolean
  /** Of the MLP: down(activation(gate(x)) * up(x)). */
  readonly activation: 'silu' | 'gelu-tanh'
  /** The rotary embeddings that layers choose from, by index. */
  readonly ropes: readonly Rope[]
  /** What differs between layers, [nLayers]. */
  readonly layers: readonly LayerAttention[]
  /** What products of queries and keys are multiplied by. */
  readonly attentionScale: number
  /** c in c * tanh(x / c), applied to scaled products of queries and keys. */
  readonly attentionSoftCap: number | null
  /** The same for the logits. */
  readonly logitSoftCap: number | null
  /** Longest sequence that the model was made for, in tokens. */
  readonly maxPositions: number
  /** The output head is the embedding matrix. */
  readonly tiedEmbeddings: boolean
  /** Linear modules that have a bias. */
  readonly biased: ReadonlySet<LinearKind>
}

export interface LayerAttention {
  /** How many of the last tokens a token sees, itself included; null for all. */
  readonly window: number | null
  /** Index into `ropes`. */
  readonly rope: number
}

/** A linear module that an adapter can change: y = x W^T. */
export interface LinearModule {
  /** Its name in Hugging Face's weights, without `.weight`: `model.layers.0.self_attn.q_proj`. */
  readonly path: string
  readonly layer: number
  readonly kind: LinearKind
  readonly nIn: number
  readonly nOut: number
}

/** Every linear module of the decoder blocks, in the order of the graph. */
export function linearModules(architecture: Architecture): LinearModule[] {
  return Array.from({ length: architecture.nLayers }, (_, layer) =>
    linearKinds.map((kind) => ({
      path: `model.layers.${layer}.${kind}`,
      layer,
      kind,
      ...linearSize(architecture, kind),
    })),
  ).flat()
}

function linearSize(a: Architecture, kind: LinearKind): { nIn: number; nOut: number } {
  const attention = a.nHeads * a.headDim
  const keyValue = a.nKvHeads * a.headDim
  switch (kind) {
    case 'self_attn.q_proj':
      return { nIn: a.dModel, nOut: attention }
    case 'self_attn.k_proj':
    case 'self_attn.v_proj':
      return { nIn: a.dModel, nOut: keyValue }
    case 'self_attn.o_proj':
      return { nIn: attention, nOut: a.dModel }
    case 'mlp.gate_proj':
    case 'mlp.up_proj':
      return { nIn: a.dModel, nOut: a.dFeedForward }
    case 'mlp.down_proj':
      return { nIn: a.dFeedForward, nOut: a.dModel }
  }
}

/**
 * The norms of a block by their names in the weights. `post_attention_layernorm` is the norm before the MLP, but in models
 * with norms after each part (Gemma 2 and 3) it is what its name says.
 */
export function blockNorms({ hasPostNorms }: Architecture) {
  const beforeAttention = 'input_layernorm'
  return hasPostNorms
    ? {
        beforeAttention,
        afterAttention: 'post_attention_layernorm',
        beforeMlp: 'pre_feedforward_layernorm',
        afterMlp: 'post_feedforward_layernorm',
      }
    : {
        beforeAttention,
        afterAttention: null,
        beforeMlp: 'post_attention_layernorm',
        afterMlp: null,
      }
}

/** The weights that the graph needs, with their shapes, so that a wrong file is refused before anything runs. */
export function expectedWeights(architecture: Architecture): Map<string, readonly number[]> {
  const { dModel, vocabSize, nLayers, headDim } = architecture
  const norms = Object.values(blockNorms(architecture)).filter((norm) => norm !== null)
  const headNorms = architecture.hasQueryKeyNorms ? ['self_attn.q_norm', 'self_attn.k_norm'] : []
  const shapes = new Map<string, readonly number[]>()
  shapes.set('model.embed_tokens.weight', [vocabSize, dModel])
  for (let layer = 0; layer < nLayers; layer++) {
    for (const norm of norms) shapes.set(`model.layers.${layer}.${norm}.weight`, [dModel])
    for (const norm of headNorms) shapes.set(`model.layers.${layer}.${norm}.weight`, [headDim])
  }
  for (const { path, kind, nIn, nOut } of linearModules(architecture)) {
    shapes.set(`${path}.weight`, [nOut, nIn])
    if (architecture.biased.has(kind)) shapes.set(`${path}.bias`, [nOut])
  }
  shapes.set('model.norm.weight', [dModel])
  if (!architecture.tiedEmbeddings) shapes.set('lm_head.weight', [vocabSize, dModel])
  return shapes
}
