import { encodeModel, Graph, type Value } from '@cem/onnx-graph'
import type { Architecture } from '../families/architecture.ts'
import {
  addBlocks,
  type ComputeType,
  cast,
  DecoderWeights,
  type KeysAndValues,
} from './decoder-blocks.ts'
import { ropeNames } from './io-names.ts'
import { noiseTables } from './token-noise.ts'
import * as wave from './wave-names.ts'
import { addExponentialNoise, type NoiseKind } from './wave-noise.ts'
import type { WeightLocations } from './weight-source.ts'

export interface WaveGraphOptions {
  readonly architecture: Architecture
  readonly weights: WeightLocations
  /** The tokenizer's number of tokens: ids from there on are never sampled. */
  readonly nTokens: number
  readonly locate: (file: string) => string
  readonly compute: ComputeType
  readonly noise: NoiseKind
  readonly hasAdapters: boolean
  /** Steps between two compactions of the batch; a multiple of `unroll`. */
  readonly segment: number
  /**
   * Steps that the loop's body holds. Inside a body the runtime updates the cache in place (an operator may overwrite what
   * only it uses), but a loop's own inputs and outputs are copied: two copies of the cache an iteration.
   */
  readonly unroll: number
}

/**
 * A whole wave of answers as one run: the prompts, then all tokens, sampled in the graph, so that nothing but tokens and
 * pooled states leaves the device. An outer loop goes by segments, at whose starts the rows that have ended leave the batch and
 * the cache grows; an inner one feeds one token a step. Where keys and values cannot stay on the device between runs (CUDA),
 * this is the way to decode.
 */
export function buildWaveGraph(options: WaveGraphOptions): Uint8Array {
  return encodeModel(new WaveBuilder(options).build())
}

/** What a row is at. */
const phases = { sampling: 0, lastToken: 1, closing: 2, done: 3 } as const

interface RowState {
  /** int64 [N]: the token that is fed next. */
  readonly next: Value
  /** int32 [N] each: tokens in the cache, tokens sampled, phase, closing tokens fed. */
  readonly length: Value
  readonly nSampled: Value
  readonly phase: Value
  readonly nClosingFed: Value
}
const stateNames = ['next', 'length', 'nSampled', 'phase', 'nClosingFed'] as const

class WaveBuilder {
  readonly #options: WaveGraphOptions
  readonly #root = new Graph('wave')
  readonly #architecture: Architecture
  readonly #weights: DecoderWeights
  readonly #inputs: Record<keyof typeof wave.inputs, Value>
  readonly #ropes: { cosines: Value; sines: Value }[]
  readonly #tables: { multipliers: Value; masks: Value }
  readonly #constants: WaveConstants
  /** float32 [K, 1] */
  readonly #stopOnes: Value
  /** int64 scalar */
  readonly #vocabSize: Value
  /** Names of the sums that are carried. */
  readonly #sumNames: readonly string[]

  constructor(options: WaveGraphOptions) {
    this.#options = options
    const root = this.#root
    this.#architecture = options.architecture
    this.#weights = new DecoderWeights(root, options)
    this.#inputs = waveInputs(root)
    const { headDim, ropes } = options.architecture
    const table = (name: string) =>
      cast(root, root.input(name, 'float32', ['M', headDim / 2]), options.compute)
    this.#ropes = ropes.map((_, i) => {
      const names = ropeNames(i)
      return { cosines: table(names.cosines), sines: table(names.sines) }
    })
    this.#constants = waveConstants(root)
    this.#vocabSize = root.constant(
      'vocabulary',
      BigInt64Array.of(BigInt(options.architecture.vocabSize)),
      [],
    )
    const { stopTokens } = this.#inputs
    const isItself = cast(root, root.node('Equal', [stopTokens, stopTokens]), 'float32')
    this.#stopOnes = root.node('Transpose', [isItself], { attributes: { perm: [1, 0] } })
    const { multipliers, masks } = noiseTables(options.nTokens)
    this.#tables = {
      multipliers: root.constant('noise_multipliers', multipliers, [1, options.nTokens]),
      masks: root.constant('noise_masks', masks, [1, options.nTokens]),
    }
    this.#sumNames = Array.from({ length: options.architecture.nLayers }, (_, layer) =>
      Object.values(wave.sumNames(layer)),
    ).flat()
  }

  build(): Graph {
    const root = this.#root
    const { dModel } = this.#architecture
    const rows = this.#inputs.rows
    const rowShape = shapeOf(root, rows, 0, 1)
    const zeroRows = root.node('Expand', [this.#constants.zeroInt, rowShape], {
      types: [{ type: 'int32', shape: ['R'] }],
    })
    const sumShape = joinSizes(root, [rowShape, root.integers([dModel])])
    const zeroSums = root.node('Expand', [this.#constants.zeroFloat, sumShape], {
      types: [{ type: 'float32', shape: ['R', dModel] }],
    })
    const caches = this.#prefill().map((cache) => gatherRows(root, cache, this.#inputs.rowPrompts))
    const body = this.#segmentBody()
    const initial = [
      this.#inputs.firstTokens,
      this.#inputs.firstLengths,
      zeroRows,
      zeroRows,
      zeroRows,
      rows,
      ...this.#sumNames.map(() => zeroSums),
      ...caches,
    ]
    const outputs = root.nodeWithOutputs(
      'Loop',
      [this.#inputs.maxSegments, always(root), ...initial],
      {
        attributes: { body },
        types: [
          ...initial.map(({ type, shape }) => ({ type, shape: shape?.map(() => '?') })),
          { type: 'int64', shape: ['segments', this.#options.segment, 'R'] },
          { type: 'float32', shape: ['segments', this.#options.segment, 'R'] },
        ],
      },
    )
    const sums = outputs.slice(stateNames.length + 1)
    for (const [i, name] of this.#sumNames.entries()) root.output(sums[i] as Value, name)
    root.output(outputs.at(-2) as Value, wave.outputs.tokens)
    root.output(outputs.at(-1) as Value, wave.outputs.logprobs)
    return root
  }

  /**
   * Keys and values of the prompts, [P, nKvHeads, S, headDim], keys and values in turn, layer by layer. Given texts are scored
   * as prompts, so their states and log-probabilities are given here.
   */
  #prefill(): Value[] {
    const root = this.#root
    const { promptTokens, promptLasts, promptLength, poolWeights, logitRows, targets } =
      this.#inputs
    const { caches, residual } = addBlocks(root, this.#weights, {
      residual: this.#embed(root, promptTokens),
      batchShape: shapeOf(root, promptTokens, 0, 2),
      lastPositions: promptLasts,
      totalLength: promptLength,
      ropes: this.#ropes,
      caches: null,
      onLayer: (layer, states) =>
        root.output(root.node('Gemm', [poolWeights, states]), wave.promptSumName(layer)),
    })
    const logits = this.#logits(root, gatherRows(root, residual, logitRows))
    root.output(logits, wave.outputs.promptLogits)
    const logprobs = root.node('LogSoftmax', [logits], { attributes: { axis: -1 } })
    root.output(this.#elements(root, logprobs, targets), wave.outputs.promptLogprobs)
    return caches.flatMap(({ keys, values }) => [keys, values])
  }

  /** One segment: rows that go on are gathered, their cache grows, the inner loop runs, and results go back to their rows. */
  #segmentBody(): Graph {
    const body = this.#root.subgraph('segment')
    const { segment } = this.#options
    const { nKvHeads, headDim, dModel } = this.#architecture
    const { compute } = this.#weights
    const index = body.input('segment_index', 'int64', [])
    body.input('segment_condition', 'bool', [])
    const state = stateInputs(body, 'segment')
    const rowIds = body.input('segment_rows', 'int64', ['A'])
    const sums = this.#sumNames.map((name) =>
      body.input(`segment_${name}`, 'float32', ['R', dModel]),
    )
    const caches = this.#cacheInputs(body, 'segment')
    const alive = body.node('NonZero', [isAlive(body, state.phase)], {
      types: [{ type: 'int64', shape: [1, 'N'] }],
    })
    const kept = body.node('Squeeze', [alive, body.integers([0])])
    const keep = (value: Value) => gatherRows(body, value, kept)
    const ids = keep(rowIds)
    const growthShape = body.node(
      'Concat',
      [shapeOf(body, kept, 0, 1), body.integers([nKvHeads, segment, headDim])],
      { attributes: { axis: 0 } },
    )
    const growth = cast(
      body,
      body.node('Expand', [body.scalar(0), growthShape], {
        types: [{ type: 'float32', shape: ['N', nKvHeads, segment, headDim] }],
      }),
      compute,
    )
    const grown = caches.map((cache) =>
      body.node('Concat', [keep(cache), growth], { attributes: { axis: 2 } }),
    )
    const initial = [
      ...stateNames.map((name) => keep(state[name])),
      ...sums.map((sum) => gatherRows(body, sum, ids)),
      ...grown,
    ]
    const firstStep = body.node('Mul', [
      index,
      body.constant('segment_steps', BigInt64Array.of(BigInt(segment)), []),
    ])
    const nIterations = BigInt64Array.of(BigInt(segment / this.#options.unroll))
    const inner = body.nodeWithOutputs(
      'Loop',
      [body.constant('segment_iterations', nIterations, []), always(body), ...initial],
      {
        attributes: { body: this.#stepsBody(body, { firstStep, ids }) },
        types: [
          ...initial.map(({ type, shape }) => ({ type, shape: shape?.map(() => '?') })),
          { type: 'int64', shape: ['n', this.#options.unroll, 'N'] },
          { type: 'float32', shape: ['n', this.#options.unroll, 'N'] },
        ],
      },
    )
    const nState = stateNames.length
    const innerState = inner.slice(0, nState)
    const innerSums = inner.slice(nState, nState + sums.length)
    const innerCaches = inner.slice(nState + sums.length, -2)
    body.output(anyAlive(body, innerState[3] as Value), 'segment_goes_on')
    for (const [i, name] of stateNames.entries())
      body.output(innerState[i] as Value, `segment_${name}_out`)
    body.output(ids, 'segment_rows_out')
    const back = this.#putBack(body, ids)
    for (const [i, name] of this.#sumNames.entries())
      body.output(back(sums[i] as Value, innerSums[i] as Value, 0), `segment_${name}_out`)
    for (const [i, cache] of innerCaches.entries()) body.output(cache, `segment_cache_${i}_out`)
    const results = [
      [inner.at(-2) as Value, this.#constants.noToken, 'segment_tokens'],
      [inner.at(-1) as Value, this.#constants.zeroFloat, 'segment_logprobs'],
    ] as const
    for (const [value, fill, name] of results)
      body.output(this.#spread(body, value, fill, back), name)
    return body
  }

  /** From [n, unroll, N], of the steps that ran and the rows that took part, to [segment, R]. */
  #spread(body: Graph, value: Value, fill: Value, back: PutBack): Value {
    const { segment } = this.#options
    const { type } = value
    const nRows = shapeOf(body, value, 2, 3)
    const steps = body.node('Reshape', [value, joinSizes(body, [body.integers([-1]), nRows])], {
      types: [{ type, shape: ['s', 'N'] }],
    })
    const rest = body.node('Expand', [fill, joinSizes(body, [body.integers([segment]), nRows])], {
      types: [{ type, shape: [segment, 'N'] }],
    })
    const longer = body.node('Concat', [steps, rest], { attributes: { axis: 0 } })
    const first = [body.integers([0]), body.integers([segment]), body.integers([0])]
    const whole = body.node('Slice', [longer, ...first], {
      types: [{ type, shape: [segment, 'N'] }],
    })
    const fullShape = joinSizes(body, [
      body.integers([segment]),
      shapeOf(body, this.#inputs.rows, 0, 1),
    ])
    const full = body.node('Expand', [fill, fullShape], {
      types: [{ type, shape: [segment, 'R'] }],
    })
    return back(full, whole, 1)
  }

  /** Puts the rows that took part back to their places: a gather and a choice, which CUDA does far quicker than ScatterND. */
  #putBack(body: Graph, ids: Value): PutBack {
    const { noToken, zeroLong } = this.#constants
    const nRows = shapeOf(body, this.#inputs.rows, 0, 1)
    const none = body.node('Expand', [noToken, nRows], { types: [{ type: 'int64', shape: ['R'] }] })
    const places = body.node('ScatterElements', [none, ids, this.#range(body, ids)], {
      attributes: { axis: 0 },
      types: [{ type: 'int64', shape: ['R'] }],
    })
    const isThere = body.node('GreaterOrEqual', [places, zeroLong])
    const safe = body.node('Max', [places, zeroLong], { types: [{ type: 'int64', shape: ['R'] }] })
    return (full, rows, axis) =>
      body.node(
        'Where',
        [
          axis === 0 ? column(body, isThere) : isThere,
          body.node('Gather', [rows, safe], { attributes: { axis } }),
          full,
        ],
        { types: [{ type: full.type, shape: full.shape }] },
      )
  }

  /** 0 to N - 1 for x [N, ...], int64. */
  #range(body: Graph, x: Value): Value {
    const { zeroLong, oneLong } = this.#constants
    const end = body.node('Squeeze', [shapeOf(body, x, 0, 1), body.integers([0])])
    return body.node('Range', [zeroLong, end, oneLong], {
      types: [{ type: 'int64', shape: ['N'] }],
    })
  }

  #cacheInputs(body: Graph, prefix: string): Value[] {
    const { nLayers, nKvHeads, headDim } = this.#architecture
    return Array.from({ length: 2 * nLayers }, (_, i) =>
      body.input(`${prefix}_cache_${i}`, this.#weights.compute, ['N', nKvHeads, 'C', headDim]),
    )
  }

  /** Some steps: in each, every row feeds its next token, which gives its state, and samples another. */
  #stepsBody(segment: Graph, context: { firstStep: Value; ids: Value }): Graph {
    const body = segment.subgraph('steps')
    const { dModel } = this.#architecture
    const { unroll } = this.#options
    const iteration = body.input('steps_index', 'int64', [])
    body.input('steps_condition', 'bool', [])
    let at: StepState = {
      row: stateInputs(body, 'steps'),
      sums: this.#sumNames.map((name) => body.input(`steps_${name}`, 'float32', ['N', dModel])),
      caches: pairs(this.#cacheInputs(body, 'steps')),
    }
    const width = body.constant('steps_each', BigInt64Array.of(BigInt(unroll)), [])
    let step = body.node('Add', [context.firstStep, body.node('Mul', [iteration, width])])
    const tokens: Value[] = []
    const logprobs: Value[] = []
    for (let i = 0; i < unroll; i++) {
      const { token, logprob, ...next } = this.#step(body, at, step, context.ids)
      at = next
      tokens.push(body.node('Unsqueeze', [token, body.integers([0])]))
      logprobs.push(body.node('Unsqueeze', [logprob, body.integers([0])]))
      if (i + 1 < unroll) step = body.node('Add', [step, this.#constants.oneLong])
    }
    body.output(anyAlive(body, at.row.phase), 'steps_go_on')
    for (const name of stateNames) body.output(at.row[name], `steps_${name}_out`)
    for (const [i, name] of this.#sumNames.entries())
      body.output(at.sums[i] as Value, `steps_${name}_out`)
    for (const [i, cache] of at.caches.flatMap((c) => [c.keys, c.values]).entries())
      body.output(cache, `steps_cache_${i}_out`)
    const stack = (values: readonly Value[]) =>
      body.node('Concat', values, { attributes: { axis: 0 } })
    body.output(stack(tokens), 'steps_tokens')
    body.output(stack(logprobs), 'steps_logprobs')
    return body
  }

  #step(
    body: Graph,
    { row, sums, caches }: StepState,
    step: Value,
    ids: Value,
  ): StepState & { token: Value; logprob: Value } {
    const is = this.#phaseTests(body, row.phase)
    const newSums = [...sums]
    const contentWeight = this.#contentWeight(body, is.answering, row.nSampled)
    const closingWeight = column(body, cast(body, is.closing, 'float32'))
    const addTo = (name: string, weight: Value, states: Value) => {
      const at = this.#sumNames.indexOf(name)
      const sum = newSums[at]
      if (sum !== undefined)
        newSums[at] = body.node('Add', [sum, body.node('Mul', [states, weight])])
    }
    const blocks = addBlocks(body, this.#weights, {
      residual: this.#embed(body, column(body, row.next)),
      batchShape: joinSizes(body, [shapeOf(body, row.next, 0, 1), body.integers([1])]),
      lastPositions: row.length,
      totalLength: body.node('Add', [this.#inputs.firstTotal, cast(body, step, 'int32')]),
      ropes: this.#ropes,
      caches,
      onLayer: (layer, states) => {
        const names = wave.sumNames(layer)
        addTo(names.content, contentWeight, states)
        addTo(names.closing, closingWeight, states)
      },
    })
    const sampled = this.#sample(body, this.#logits(body, blocks.residual), step, ids)
    const { accepted, ...after } = this.#advance(body, row, is, sampled.token)
    const { noToken, zeroFloat } = this.#constants
    return {
      row: after,
      sums: newSums,
      caches: blocks.caches,
      token: body.node('Where', [accepted, sampled.token, noToken]),
      logprob: body.node('Where', [is.sampling, sampled.logprob, zeroFloat]),
    }
  }

  #phaseTests(body: Graph, phase: Value): PhaseTests {
    const is = (value: Value) => body.node('Equal', [phase, value])
    const { lastToken, closing, zeroInt } = this.#constants
    const tests = { sampling: is(zeroInt), lastToken: is(lastToken), closing: is(closing) }
    return { ...tests, answering: body.node('Or', [tests.sampling, tests.lastToken]) }
  }

  #contentWeight(body: Graph, isAnswering: Value, nSampled: Value): Value {
    const hasTokens = body.node('Greater', [nSampled, this.#constants.zeroInt])
    return column(body, cast(body, body.node('And', [isAnswering, hasTokens]), 'float32'))
  }

  #logits(graph: Graph, residual: Value): Value {
    const { tiedEmbeddings, logitSoftCap, rmsNormEpsilon } = this.#architecture
    const normed = graph.node(
      'SimplifiedLayerNormalization',
      [residual, this.#weights.norm('model.norm')],
      { attributes: { axis: -1, epsilon: { float: rmsNormEpsilon }, stash_type: 1 } },
    )
    const head = tiedEmbeddings ? 'model.embed_tokens.weight' : 'lm_head.weight'
    const { compute } = this.#weights
    const raw = graph.node(
      'Gemm',
      [cast(graph, normed, compute), this.#weights.weight(head, compute)],
      { attributes: { transB: 1 } },
    )
    const logits = cast(graph, raw, 'float32')
    if (logitSoftCap === null) return logits
    const cap = graph.scalar(logitSoftCap)
    return graph.node('Mul', [graph.node('Tanh', [graph.node('Div', [logits, cap])]), cap])
  }

  #sample(body: Graph, logits: Value, step: Value, ids: Value): { token: Value; logprob: Value } {
    const { nTokens } = this.#options
    const { vocabSize } = this.#architecture
    const keysOf = (table: Value) =>
      column(body, gatherRows(body, body.node('Gather', [table, step]), ids))
    const noise = addExponentialNoise(body, this.#options.noise, this.#tables, {
      a: keysOf(this.#inputs.noiseKeysA),
      b: keysOf(this.#inputs.noiseKeysB),
    })
    const temperature = column(body, gatherRows(body, this.#inputs.temperatures, ids))
    const real =
      nTokens < vocabSize
        ? body.node(
            'Slice',
            [logits, body.integers([0]), body.integers([nTokens]), body.integers([1])],
            { types: [{ type: 'float32', shape: ['N', nTokens] }] },
          )
        : logits
    const noisy = body.node('Sub', [
      real,
      body.node('Mul', [body.node('Log', [noise]), temperature]),
    ])
    const token = argmax(body, noisy)
    const logprobs = body.node('LogSoftmax', [logits], { attributes: { axis: -1 } })
    return { token, logprob: this.#elements(body, logprobs, token) }
  }

  /** x[i, columns[i]], [N]. GatherElements does the same and takes CUDA a hundred times as long. */
  #elements(body: Graph, x: Value, columns: Value): Value {
    const at = body.node('Add', [
      body.node('Mul', [this.#range(body, x), this.#vocabSize]),
      columns,
    ])
    return body.node('Gather', [body.node('Reshape', [x, body.integers([-1])]), at])
  }

  /** What a row does after its token was fed and another was sampled. */
  #advance(
    body: Graph,
    state: RowState,
    is: PhaseTests,
    token: Value,
  ): RowState & { accepted: Value } {
    const { maxNewTokens, nClosing, closingTokens, lastClosing } = this.#inputs
    const { lastToken: last, closing, done, zeroInt: zero } = this.#constants
    const and = (a: Value, b: Value) => body.node('And', [a, b])
    const not = (a: Value) => body.node('Not', [a])
    const where = (c: Value, a: Value, b: Value) => body.node('Where', [c, a, b])
    const count = (a: Value) => cast(body, a, 'int32')
    const stops = this.#isStop(body, token)
    const accepted = and(is.sampling, not(stops))
    const stopped = and(is.sampling, stops)
    const nSampled = body.node('Add', [state.nSampled, count(accepted)])
    const full = and(accepted, not(body.node('Less', [nSampled, maxNewTokens])))
    const hasClosing = body.node('Greater', [nClosing, zero])
    const afterContent = where(hasClosing, closing, done)
    const afterStop = where(body.node('Greater', [nSampled, zero]), afterContent, done)
    const nClosingFed = body.node('Add', [state.nClosingFed, count(is.closing)])
    const afterClosing = where(body.node('Less', [nClosingFed, nClosing]), closing, done)
    const next = [
      [stopped, afterStop],
      [full, last],
      [is.lastToken, afterContent],
      [is.closing, afterClosing],
    ] as const
    const newPhase = next.reduce<Value>(
      (rest, [test, value]) => where(test, value, rest),
      state.phase,
    )
    const isClosing = body.node('Equal', [newPhase, closing])
    const at = body.node('Min', [cast(body, nClosingFed, 'int64'), lastClosing], {
      types: [{ type: 'int64', shape: ['N'] }],
    })
    const closingToken = body.node('Gather', [closingTokens, at])
    const nextToken = where(isClosing, closingToken, where(accepted, token, state.next))
    const wasAlive = isAlive(body, state.phase)
    return {
      next: nextToken,
      length: body.node('Add', [state.length, count(wasAlive)]),
      nSampled,
      phase: newPhase,
      nClosingFed,
      accepted,
    }
  }

  #isStop(body: Graph, token: Value): Value {
    const equal = body.node('Equal', [column(body, token), this.#inputs.stopTokens])
    // A product with ones: a reduction of such short rows takes CUDA longer.
    const n = body.node('Gemm', [cast(body, equal, 'float32'), this.#stopOnes])
    return body.node('Greater', [
      body.node('Squeeze', [n, body.integers([1])]),
      this.#constants.zeroFloat,
    ])
  }

  /** float32 [T, dModel] */
  #embed(graph: Graph, tokens: Value): Value {
    const { dModel, embeddingScale } = this.#architecture
    const rows = graph.node('Gather', [
      this.#weights.weight('model.embed_tokens.weight', this.#weights.compute),
      tokens,
    ])
    const wide = graph.node('Reshape', [rows, this.#weights.integers(-1, dModel)])
    const flat = cast(graph, wide, 'float32')
    return embeddingScale === 1 ? flat : graph.node('Mul', [flat, graph.scalar(embeddingScale)])
  }
}

interface StepState {
  readonly row: RowState
  readonly sums: readonly Value[]
  readonly caches: readonly KeysAndValues[]
}

type PutBack = (full: Value, rows: Value, axis: 0 | 1) => Value

interface WaveConstants {
  /** int32 scalars */
  readonly zeroInt: Value
  readonly lastToken: Value
  readonly closing: Value
  readonly done: Value
  /** int64 scalars */
  readonly zeroLong: Value
  readonly oneLong: Value
  /** -1 */
  readonly noToken: Value
  /** float32 scalar */
  readonly zeroFloat: Value
}

function waveConstants(root: Graph): WaveConstants {
  const int = (name: string, value: number) => root.constant(name, Int32Array.of(value), [])
  const long = (name: string, value: bigint) => root.constant(name, BigInt64Array.of(value), [])
  return {
    zeroInt: int('zero_int', phases.sampling),
    lastToken: int('phase_last_token', phases.lastToken),
    closing: int('phase_closing', phases.closing),
    done: int('phase_done', phases.done),
    zeroLong: long('zero_long', 0n),
    oneLong: long('one_long', 1n),
    noToken: long('no_token', -1n),
    zeroFloat: root.constant('zero_float', Float32Array.of(0), []),
  }
}

/** 1-D sizes one after another. */
function joinSizes(graph: Graph, sizes: readonly Value[]): Value {
  return graph.node('Concat', sizes, { attributes: { axis: 0 } })
}

type PhaseTests = Record<'sampling' | 'lastToken' | 'closing' | 'answering', Value>

function isAlive(graph: Graph, phase: Value): Value {
  return graph.node('Less', [phase, cast(graph, graph.integers([phases.done]), 'int32')])
}

function anyAlive(graph: Graph, phase: Value): Value {
  const n = graph.node(
    'ReduceSum',
    [cast(graph, isAlive(graph, phase), 'float32'), graph.integers([0])],
    { attributes: { keepdims: 0 } },
  )
  return graph.node('Greater', [n, graph.scalar(0)])
}

function always(graph: Graph): Value {
  return graph.node('Cast', [graph.scalar(1)], { attributes: { to: 9 } })
}

/** The index of the largest of each row, [N]. */
function argmax(graph: Graph, x: Value): Value {
  const [, index] = graph.nodeWithOutputs('TopK', [x, graph.integers([1])], {
    nOutputs: 2,
    types: [
      { type: 'float32', shape: ['N', 1] },
      { type: 'int64', shape: ['N', 1] },
    ],
  }) as [Value, Value]
  return graph.node('Squeeze', [index, graph.integers([1])])
}

function gatherRows(graph: Graph, data: Value, rows: Value): Value {
  return graph.node('Gather', [data, rows])
}

/** [N] as [N, 1]. */
function column(graph: Graph, x: Value): Value {
  return graph.node('Unsqueeze', [x, graph.integers([1])])
}

function shapeOf(graph: Graph, x: Value, start: number, end: number): Value {
  return graph.node('Shape', [x], {
    attributes: { start, end },
    types: [{ type: 'int64', shape: [end - start] }],
  })
}

function pairs(values: readonly Value[]): KeysAndValues[] {
  return Array.from({ length: values.length / 2 }, (_, i) => ({
    keys: values[2 * i] as Value,
    values: values[2 * i + 1] as Value,
  }))
}

function stateInputs(body: Graph, prefix: string): RowState {
  const count = (name: string) => body.input(`${prefix}_${name}`, 'int32', ['N'])
  return {
    next: body.input(`${prefix}_next`, 'int64', ['N']),
    length: count('length'),
    nSampled: count('nSampled'),
    phase: count('phase'),
    nClosingFed: count('nClosingFed'),
  }
}

function waveInputs(root: Graph): Record<keyof typeof wave.inputs, Value> {
  const { inputs } = wave
  return {
    promptTokens: root.input(inputs.promptTokens, 'int64', ['P', 'S']),
    promptLasts: root.input(inputs.promptLasts, 'int32', ['P']),
    promptLength: root.input(inputs.promptLength, 'int32', []),
    rows: root.input(inputs.rows, 'int64', ['R']),
    rowPrompts: root.input(inputs.rowPrompts, 'int64', ['R']),
    firstTokens: root.input(inputs.firstTokens, 'int64', ['R']),
    firstLengths: root.input(inputs.firstLengths, 'int32', ['R']),
    firstTotal: root.input(inputs.firstTotal, 'int32', []),
    maxSegments: root.input(inputs.maxSegments, 'int64', []),
    maxNewTokens: root.input(inputs.maxNewTokens, 'int32', []),
    stopTokens: root.input(inputs.stopTokens, 'int64', [1, 'K']),
    closingTokens: root.input(inputs.closingTokens, 'int64', ['C']),
    nClosing: root.input(inputs.nClosing, 'int32', []),
    lastClosing: root.input(inputs.lastClosing, 'int64', []),
    noiseKeysA: root.input(inputs.noiseKeysA, 'int32', ['T', 'R']),
    noiseKeysB: root.input(inputs.noiseKeysB, 'int32', ['T', 'R']),
    temperatures: root.input(inputs.temperatures, 'float32', ['R']),
    poolWeights: root.input(inputs.poolWeights, 'float32', ['Q', 'P * S']),
    logitRows: root.input(inputs.logitRows, 'int64', ['M']),
    targets: root.input(inputs.targets, 'int64', ['M']),
  }
}
