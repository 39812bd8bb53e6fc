import type { Graph, Value } from '@cem/onnx-graph'
import { asColumn, cast } from '../operators.ts'
import type { WaveConstants, WaveInputs } from './wave-inputs.ts'

/** What a row is at. */
const phases = { sampling: 0, lastToken: 1, closing: 2, done: 3 } as const

/** int32 scalars */
export type PhaseValues = Readonly<Record<keyof typeof phases, Value>>

export interface RowState {
  /** int64 [N]: the token that is fed next. */
  readonly next: Value
  /** int32 [N] each: tokens in the cache, tokens sampled, phase, closing tokens fed. */
  readonly length: Value
  readonly nSampled: Value
  readonly phase: Value
  readonly nClosingFed: Value
}
export const stateNames = ['next', 'length', 'nSampled', 'phase', 'nClosingFed'] as const

/** bool [N] each. */
export interface PhaseTests {
  readonly sampling: Value
  readonly lastToken: Value
  readonly closing: Value
  /** Whether the token that is fed is one of the answer's, not the prompt's last one or a closing one. */
  readonly answerFed: Value
}

export function phaseValues(root: Graph): PhaseValues {
  const value = (name: keyof typeof phases) =>
    root.constant(`phase_${name}`, Int32Array.of(phases[name]), [])
  return {
    sampling: value('sampling'),
    lastToken: value('lastToken'),
    closing: value('closing'),
    done: value('done'),
  }
}

export function stateInputs(body: Graph, prefix: string): RowState {
  const count = (name: string) => body.input(`${prefix}_${name}`, 'int32', ['N'])
  return {
    next: body.input(`${prefix}_next`, 'int64', ['N']),
    length: count('length'),
    nSampled: count('nSampled'),
    phase: count('phase'),
    nClosingFed: count('nClosingFed'),
  }
}

export function isAlive(graph: Graph, phase: Value, { done }: PhaseValues): Value {
  return graph.node('Less', [phase, done])
}

export function anyAlive(graph: Graph, phase: Value, values: PhaseValues): Value {
  const ones = cast(graph, isAlive(graph, phase, values), 'float32')
  const n = graph.node('ReduceSum', [ones, graph.integers([0])], { attributes: { keepdims: 0 } })
  return graph.node('Greater', [n, graph.scalar(0)])
}

export function phaseTests(
  graph: Graph,
  { phase, nSampled }: RowState,
  values: PhaseValues,
  { zeroInt }: WaveConstants,
): PhaseTests {
  const is = (value: Value) => graph.node('Equal', [phase, value])
  const [sampling, lastToken] = [is(values.sampling), is(values.lastToken)]
  const isAnswering = graph.node('Or', [sampling, lastToken])
  const hasTokens = graph.node('Greater', [nSampled, zeroInt])
  return {
    sampling,
    lastToken,
    closing: is(values.closing),
    answerFed: graph.node('And', [isAnswering, hasTokens]),
  }
}

export interface Advance {
  readonly inputs: WaveInputs
  readonly phases: PhaseValues
  readonly constants: WaveConstants
  readonly is: PhaseTests
  /** int64 [N]: the tokens that were sampled. */
  readonly token: Value
  /** bool [N]: whether they end their answers. */
  readonly isStop: Value
}

/** What a row does after its token was fed and another was sampled. */
export function advance(
  graph: Graph,
  state: RowState,
  { inputs, phases: values, constants, is, token, isStop }: Advance,
): RowState & { readonly accepted: Value } {
  const { maxNewTokens, nClosing, closingTokens, lastClosing } = inputs
  const { closing, done, lastToken } = values
  const { zeroInt: zero } = constants
  const and = (a: Value, b: Value) => graph.node('And', [a, b])
  const not = (a: Value) => graph.node('Not', [a])
  const where = (c: Value, a: Value, b: Value) => graph.node('Where', [c, a, b])
  const count = (a: Value) => cast(graph, a, 'int32')
  const accepted = and(is.sampling, not(isStop))
  const stopped = and(is.sampling, isStop)
  const nSampled = graph.node('Add', [state.nSampled, count(accepted)])
  const full = and(accepted, not(graph.node('Less', [nSampled, maxNewTokens])))
  const hasClosing = graph.node('Greater', [nClosing, zero])
  const afterContent = where(hasClosing, closing, done)
  const afterStop = where(graph.node('Greater', [nSampled, zero]), afterContent, done)
  const nClosingFed = graph.node('Add', [state.nClosingFed, count(is.closing)])
  const afterClosing = where(graph.node('Less', [nClosingFed, nClosing]), closing, done)
  const next = [
    [stopped, afterStop],
    [full, lastToken],
    [is.lastToken, afterContent],
    [is.closing, afterClosing],
  ] as const
  const phase = next.reduce<Value>((rest, [test, value]) => where(test, value, rest), state.phase)
  const isClosing = graph.node('Equal', [phase, closing])
  const at = graph.node('Min', [cast(graph, nClosingFed, 'int64'), lastClosing])
  const closingToken = graph.node('Gather', [closingTokens, at])
  const wasAlive = isAlive(graph, state.phase, values)
  return {
    next: where(isClosing, closingToken, where(accepted, token, state.next)),
    length: graph.node('Add', [state.length, count(wasAlive)]),
    nSampled,
    phase,
    nClosingFed,
    accepted,
  }
}

/** Whether tokens [N] are among the stop tokens [1, K]; `ones` is float32 [K, 1]. */
export function isStopToken(
  graph: Graph,
  token: Value,
  stopTokens: Value,
  { ones, zero }: { readonly ones: Value; readonly zero: Value },
): Value {
  const equal = graph.node('Equal', [asColumn(graph, token), stopTokens])
  // A product with ones: a reduction of such short rows takes CUDA longer.
  const n = graph.node('Gemm', [cast(graph, equal, 'float32'), ones])
  return graph.node('Greater', [graph.node('Squeeze', [n, graph.integers([1])]), zero])
}
