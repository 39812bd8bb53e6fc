import { defaultRubrics } from './default-rubrics.ts'
import {
  finishProtocol,
  type LogprobProtocol,
  referenceMinMass,
  tokenParameters,
} from './protocol.ts'
import type { Rubric } from './rubric.ts'

export interface LogprobProtocolOptions {
  /** @default our own `aligned` and `coherent` */
  readonly rubrics?: Readonly<Record<string, Rubric>>
  /** In [0, 1]. @default 0.25, the reference protocol's */
  readonly minMass?: number
}

/**
 * The reference protocol: one user message, one token at temperature 0 with seed 0, and the 20 likeliest tokens in its place.
 * Betley et al., "Emergent misalignment" (arXiv 2502.17424).
 *
 * @throws CemError `bad-rubric`, `bad-protocol`
 */
export function createLogprobProtocol({
  rubrics = defaultRubrics,
  minMass = referenceMinMass,
}: LogprobProtocolOptions = {}): LogprobProtocol {
  return finishProtocol({ name: 'logprob-0-100', rubrics, parameters: tokenParameters, minMass })
}

/** The reference protocol with our own rubrics. */
export const logprobProtocol = createLogprobProtocol()
