export { differentiableOperators, type GradientOptions, gradients } from './gradients/gradients.ts'
export type { RecomputedSpan } from './gradients/recomputation.ts'
export {
  type Attributes,
  type AttributeValue,
  type ExternalData,
  type FloatAttribute,
  float,
  Graph,
  type GraphNode,
  type Initializer,
  type NodeOptions,
  type Value,
} from './graph.ts'
export { encodeModel, type ModelOptions } from './model.ts'
export {
  type Dim,
  type ElementType,
  elementTypes,
  type Shape,
  type TensorType,
} from './tensor-type.ts'
