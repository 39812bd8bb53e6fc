import type { Graph, Value } from '@cem/onnx-graph'
import type { KeysAndValues } from '../decoder-blocks.ts'
import { asColumn, cast, concat, sizesOf } from '../operators.ts'
import { anyAlive, isAlive, stateInputs, stateNames } from './row-state.ts'
import type { WaveContext } from './wave-context.ts'
import { gatherRows, rangeOf } from './wave-rows.ts'
import { addStep, type StepState, type StepTerms } from './wave-step.ts'

/** The body of the outer loop: rows that go on are gathered, their cache grows, steps run, and results go back to their rows. */
export function segmentBody(root: Graph, context: WaveContext): Graph {
  const body = root.subgraph('segment')
  const { segment, unroll } = context.options
  const { dModel } = context.architecture
  const { noToken, zeroFloat } = context.constants
  const index = body.input('segment_index', 'int64', [])
  body.input('segment_condition', 'bool', [])
  const state = stateInputs(body, 'segment')
  const rowIds = body.input('segment_rows', 'int64', ['A'])
  const sums = context.sumNames.map((name) =>
    body.input(`segment_${name}`, 'float32', ['R', dModel]),
  )
  const caches = cacheInputs(body, context, 'segment')
  const alive = body.node('NonZero', [isAlive(body, state.phase, context.phases)], {
    types: [{ type: 'int64', shape: [1, 'N'] }],
  })
  const kept = body.node('Squeeze', [alive, body.integers([0])])
  const keep = (value: Value) => gatherRows(body, value, kept)
  const ids = keep(rowIds)
  const growth = zeroCache(body, context, kept)
  const initial = [
    ...stateNames.map((name) => keep(state[name])),
    ...sums.map((sum) => gatherRows(body, sum, ids)),
    ...caches.map((cache) => concat(body, [keep(cache), growth], 2)),
  ]
  const steps = body.constant('segment_steps', BigInt64Array.of(BigInt(segment)), [])
  const at = {
    firstStep: body.node('Mul', [index, steps]),
    ids,
    terms: {
      edge: termsOf(body, context.inputs.edgeTerms, ids),
      answer: termsOf(body, context.inputs.answerTerms, ids),
    },
  }
  const nIterations = BigInt64Array.of(BigInt(segment / unroll))
  const inner = body.nodeWithOutputs(
    'Loop',
    [body.constant('segment_iterations', nIterations, []), always(body), ...initial],
    {
      attributes: { body: stepsBody(body, context, at) },
      types: [
        ...initial.map(({ type, shape }) => ({ type, shape: shape?.map(() => '?') })),
        { type: 'int64', shape: ['n', unroll, 'N'] },
        { type: 'float32', shape: ['n', unroll, 'N'] },
      ],
    },
  )
  const nState = stateNames.length
  const innerState = inner.slice(0, nState)
  const innerSums = inner.slice(nState, nState + sums.length)
  const innerCaches = inner.slice(nState + sums.length, -2)
  body.output(anyAlive(body, innerState[3] as Value, context.phases), 'segment_goes_on')
  for (const [i, name] of stateNames.entries())
    body.output(innerState[i] as Value, `segment_${name}_out`)
  body.output(ids, 'segment_rows_out')
  const back = putBack(body, context, ids)
  for (const [i, name] of context.sumNames.entries())
    body.output(back(sums[i] as Value, innerSums[i] as Value, 0), `segment_${name}_out`)
  for (const [i, cache] of innerCaches.entries()) body.output(cache, `segment_cache_${i}_out`)
  const tokens = spread(body, context, inner.at(-2) as Value, noToken, back)
  const logprobs = spread(body, context, inner.at(-1) as Value, zeroFloat, back)
  body.output(tokens, 'segment_tokens')
  body.output(logprobs, 'segment_logprobs')
  return body
}

/** A condition that holds. */
export function always(graph: Graph): Value {
  return cast(graph, graph.scalar(1), 'bool')
}

/** Some steps, one after another. */
function stepsBody(
  segment: Graph,
  context: WaveContext,
  at: { firstStep: Value; ids: Value; terms: StepTerms },
): Graph {
  const body = segment.subgraph('steps')
  const { dModel } = context.architecture
  const { unroll } = context.options
  const iteration = body.input('steps_index', 'int64', [])
  body.input('steps_condition', 'bool', [])
  let state: StepState = {
    row: stateInputs(body, 'steps'),
    sums: context.sumNames.map((name) => body.input(`steps_${name}`, 'float32', ['N', dModel])),
    caches: pairs(cacheInputs(body, context, 'steps')),
  }
  const width = body.constant('steps_each', BigInt64Array.of(BigInt(unroll)), [])
  let step = body.node('Add', [at.firstStep, body.node('Mul', [iteration, width])])
  const tokens: Value[] = []
  const logprobs: Value[] = []
  for (let i = 0; i < unroll; i++) {
    const { token, logprob, ...next } = addStep(body, context, state, { ...at, step })
    state = next
    tokens.push(body.node('Unsqueeze', [token, body.integers([0])]))
    logprobs.push(body.node('Unsqueeze', [logprob, body.integers([0])]))
    if (i + 1 < unroll) step = body.node('Add', [step, context.constants.oneLong])
  }
  body.output(anyAlive(body, state.row.phase, context.phases), 'steps_go_on')
  for (const name of stateNames) body.output(state.row[name], `steps_${name}_out`)
  for (const [i, name] of context.sumNames.entries())
    body.output(state.sums[i] as Value, `steps_${name}_out`)
  for (const [i, cache] of state.caches.flatMap((c) => [c.keys, c.values]).entries())
    body.output(cache, `steps_cache_${i}_out`)
  body.output(stack(body, tokens), 'steps_tokens')
  body.output(stack(body, logprobs), 'steps_logprobs')
  return body
}

function stack(graph: Graph, values: readonly Value[]): Value {
  return graph.node('Concat', values, { attributes: { axis: 0 } })
}

/** [I, R, 4] of the rows that take part. */
function termsOf(graph: Graph, terms: Value, ids: Value): Value {
  return graph.node('Gather', [terms, ids], { attributes: { axis: 1 } })
}

function cacheInputs(body: Graph, { architecture, parts }: WaveContext, prefix: string): Value[] {
  const { nLayers, nKvHeads, headDim } = architecture
  return Array.from({ length: 2 * nLayers }, (_, i) =>
    body.input(`${prefix}_cache_${i}`, parts.compute, ['N', nKvHeads, 'C', headDim]),
  )
}

/** Room for a segment's keys, or values, of one layer. */
function zeroCache(body: Graph, { architecture, options, parts }: WaveContext, rows: Value): Value {
  const { nKvHeads, headDim } = architecture
  const sizes = [nKvHeads, options.segment, headDim]
  const shape = concat(body, [sizesOf(body, rows, 0, 1), body.integers(sizes)], 0)
  const zeros = body.node('Expand', [body.scalar(0), shape], {
    types: [{ type: 'float32', shape: ['N', ...sizes] }],
  })
  return cast(body, zeros, parts.compute)
}

type PutBack = (full: Value, rows: Value, axis: 0 | 1) => Value

/** Puts the rows that took part back to their places: a gather and a choice, which CUDA does far quicker than ScatterND. */
function putBack(body: Graph, { constants, inputs }: WaveContext, ids: Value): PutBack {
  const { noToken, zeroLong } = constants
  const nRows = sizesOf(body, inputs.rows, 0, 1)
  const none = body.node('Expand', [noToken, nRows], { types: [{ type: 'int64', shape: ['R'] }] })
  const places = body.node('ScatterElements', [none, ids, rangeOf(body, constants, ids)], {
    attributes: { axis: 0 },
    types: [{ type: 'int64', shape: ['R'] }],
  })
  const isThere = body.node('GreaterOrEqual', [places, zeroLong])
  const safe = body.node('Max', [places, zeroLong])
  return (full, rows, axis) => {
    const taken = body.node('Gather', [rows, safe], { attributes: { axis } })
    return body.node('Where', [axis === 0 ? asColumn(body, isThere) : isThere, taken, full], {
      types: [{ type: full.type, shape: full.shape }],
    })
  }
}

/** From [n, unroll, N], of the steps that ran and the rows that took part, to [segment, R]. */
function spread(
  body: Graph,
  { options: { segment }, inputs }: WaveContext,
  value: Value,
  fill: Value,
  back: PutBack,
): Value {
  const { type } = value
  const nRows = sizesOf(body, value, 2, 3)
  const steps = body.node('Reshape', [value, concat(body, [body.integers([-1]), nRows], 0)], {
    types: [{ type, shape: ['s', 'N'] }],
  })
  const filled = (rows: Value, name: string) =>
    body.node('Expand', [fill, concat(body, [body.integers([segment]), rows], 0)], {
      types: [{ type, shape: [segment, name] }],
    })
  const longer = concat(body, [steps, filled(nRows, 'N')], 0)
  const first = [body.integers([0]), body.integers([segment]), body.integers([0])]
  const whole = body.node('Slice', [longer, ...first], {
    types: [{ type, shape: [segment, 'N'] }],
  })
  return back(filled(sizesOf(body, inputs.rows, 0, 1), 'R'), whole, 1)
}

function pairs(values: readonly Value[]): KeysAndValues[] {
  return Array.from({ length: values.length / 2 }, (_, i) => ({
    keys: values[2 * i] as Value,
    values: values[2 * i + 1] as Value,
  }))
}
