export { bf16ToFloat32, float32ToBf16 } from './bf16.ts'
export { type Dtype, dtypes, isDtype } from './dtypes.ts'
export { f16ToFloat32, float32ToF16 } from './f16.ts'
export { type ModelTensor, type ModelWeights, openModelWeights } from './model-weights.ts'
export { readNpy, writeNpy } from './npy.ts'
export { createNpzWriter, type NpzWriter, type NpzWriterOptions } from './npz-writer.ts'
export { type NpzEntry, type NpzFile, type OpenNpzOptions, openNpz } from './open-npz.ts'
export {
  type OpenSafetensorsOptions,
  openSafetensors,
  type SafetensorsFile,
} from './open-safetensors.ts'
export type { TensorInfo } from './safetensors-header.ts'
export type {
  Float32Tensor,
  ReadOptions,
  RowRange,
  Tensor,
  TensorData,
  TensorDataOf,
  TensorSpec,
} from './tensor.ts'
export type { TensorChunks } from './tensor-bytes.ts'
export { toFloat32 } from './to-float32.ts'
export {
  type TensorToWrite,
  type WriteSafetensorsOptions,
  writeSafetensors,
} from './write-safetensors.ts'
