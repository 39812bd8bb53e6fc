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

/** What a decoder of a known family is made of: sizes, constants and which parts it has. */
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
  readonly rmsNormEpsilon: number
  readonly ropeTheta: number
  /** Longest sequence that the model was made for, in tokens. */
  readonly maxPositions: number
  /** The output head is the embedding matrix. */
  readonly tiedEmbeddings: boolean
  /** Linear modules that have a bias. */
  readonly biased: ReadonlySet<LinearKind>
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

/** The weights that the graph needs, with their shapes, so that a wrong file is refused before anything runs. */
export function expectedWeights(architecture: Architecture): Map<string, readonly number[]> {
  const { dModel, vocabSize, nLayers } = architecture
  const shapes = new Map<string, readonly number[]>()
  shapes.set('model.embed_tokens.weight', [vocabSize, dModel])
  for (let layer = 0; layer < nLayers; layer++)
    for (const norm of ['input_layernorm', 'post_attention_layernorm'])
      shapes.set(`model.layers.${layer}.${norm}.weight`, [dModel])
  for (const { path, kind, nIn, nOut } of linearModules(architecture)) {
    shapes.set(`${path}.weight`, [nOut, nIn])
    if (architecture.biased.has(kind)) shapes.set(`${path}.bias`, [nOut])
  }
  shapes.set('model.norm.weight', [dModel])
  if (!architecture.tiedEmbeddings) shapes.set('lm_head.weight', [vocabSize, dModel])
  return shapes
}
