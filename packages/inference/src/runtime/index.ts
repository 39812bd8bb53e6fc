// `@cem/inference/runtime`: the parts of a process that runs graphs, for other packages' child processes. Loads ONNX Runtime.

export { AdapterStore } from '../engine/adapter-store.ts'
export { PositionTable } from '../engine/position-table.ts'
export {
  commonFolder,
  createSession,
  floats,
  int64s,
  locationIn,
  type RuntimeSession,
  type SessionOptions,
  type Tensor,
} from '../engine/runtime.ts'
