import { encodeModel, float, Graph, type Value } from '@cem/onnx-graph'

export interface AttentionGraphOptions {
  readonly nHeads: number
  readonly nKvHeads: number
  readonly headDim: number
  readonly scale: number
  readonly window: number | null
  readonly softCap: number | null
}

/** The attention operator alone, as the decoder graph uses it: `context`, `new_keys` and `new_values` of projected inputs. */
export function attentionGraph(options: AttentionGraphOptions): Uint8Array {
  const { nHeads, nKvHeads, headDim, scale, window, softCap } = options
  const graph = new Graph('attention')
  const projected = (name: string, heads: number) =>
    graph.input(name, 'float32', ['B', 'S', heads * headDim])
  const cache = (name: string) => graph.input(name, 'float32', ['B', nKvHeads, 'C', headDim])
  const table = (name: string) => graph.input(name, 'float32', ['R', headDim / 2])
  const [context, keys, values] = graph.nodeWithOutputs(
    'GroupQueryAttention',
    [
      projected('q', nHeads),
      projected('k', nKvHeads),
      projected('v', nKvHeads),
      cache('keys'),
      cache('values'),
      graph.input('last_positions', 'int32', ['B']),
      graph.input('total_length', 'int32', []),
      table('cosines'),
      table('sines'),
    ],
    {
      domain: 'com.microsoft',
      attributes: {
        num_heads: nHeads,
        kv_num_heads: nKvHeads,
        do_rotary: 1,
        scale: float(scale),
        ...(window === null ? {} : { local_window_size: window }),
        ...(softCap === null ? {} : { softcap: float(softCap) }),
      },
    },
  ) as [Value, Value, Value]
  graph.output(context, 'context')
  graph.output(keys, 'new_keys')
  graph.output(values, 'new_values')
  return encodeModel(graph)
}
