import { fitDifferenceComponent } from './difference-component.ts'
import { checkMethod, type DirectionMethod, type MethodDetails } from './direction-method.ts'
import { fitLinearDiscriminant } from './linear-discriminant.ts'
import { fitLogistic } from './logistic-probe.ts'
import { displacementOf, type Sample } from './sample.ts'

export interface Fit {
  /** Not normalised; positive towards the rows with. Shape [nColumns]; all 0 where the method finds nothing. */
  readonly weights: Float64Array
  readonly details: MethodDetails
}

/** Runs a method on a sample with rows on both sides. */
export function fitMethod(sample: Sample, method: DirectionMethod): Fit {
  checkMethod(method)
  switch (method.kind) {
    case 'mean-difference':
      return { weights: displacementOf(sample), details: { kind: method.kind } }
    case 'logistic-probe':
      return fitLogistic(sample, method)
    case 'linear-discriminant':
      return fitLinearDiscriminant(sample, method)
    case 'difference-component':
      return fitDifferenceComponent(sample, method)
  }
}
