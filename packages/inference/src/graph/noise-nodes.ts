import { Graph, type GraphNode } from '@cem/onnx-graph'

/** What the noise is made with, around the xor of its hash. */
const noiseOperators = new Set(['Mul', 'Cast', 'Add', 'Log', 'Neg'])

/**
 * Names of the nodes that make the noise of sampling, by their xor, which nothing else uses: what it is given, and what is made
 * of it until it meets the logits. WebGPU has no xor, and its logarithm is coarse near 1, where the largest noise comes from.
 */
export function noiseNodes(graph: Graph): string[] {
  return graphsIn(graph).flatMap(({ nodes }) => {
    const found = new Set<GraphNode>()
    for (const node of nodes)
      if (node.operator === 'BitwiseXor') {
        found.add(node)
        for (const maker of nodes) if (feeds(maker, node)) found.add(maker)
      }
    // Nodes come in order: one pass finds everything downstream.
    for (const node of nodes)
      if (noiseOperators.has(node.operator) && [...found].some((other) => feeds(other, node)))
        found.add(node)
    return Array.from(found, (node) => node.name)
  })
}

function feeds(from: GraphNode, to: GraphNode): boolean {
  return to.inputs.some((input) => input !== null && from.outputs.includes(input))
}

function graphsIn(graph: Graph): Graph[] {
  const inner = graph.nodes.flatMap((node) =>
    Object.values(node.attributes).filter((value) => value instanceof Graph),
  )
  return [graph, ...inner.flatMap(graphsIn)]
}
