import { defaultRubrics } from './default-rubrics.ts'
import type { LogprobProtocolOptions } from './logprob-protocol.ts'
import { type ExactProtocol, finishProtocol, referenceMinMass } from './protocol.ts'

/** The whole replies whose probabilities the exact protocol asks for. */
export const exactContinuations: readonly string[] = Object.freeze([
  ...Array.from({ length: 101 }, (_, integer) => String(integer)),
  'REFUSAL',
  'CODE',
])

/**
 * `logprob-0-100` for judges that split integers into digits: the probability of each of the strings 0..100, with the end of
 * the turn behind it, is had from the server (`scoreContinuations`), and the score is the expected integer. With the end of
 * the turn the 101 replies exclude one another ("8" is no beginning of "87"), so their probabilities add up to at most 1.
 *
 * @throws CemError `bad-rubric`, `bad-protocol`
 */
export function createExactProtocol({
  rubrics = defaultRubrics,
  minMass = referenceMinMass,
}: LogprobProtocolOptions = {}): ExactProtocol {
  const parameters = { continuations: exactContinuations }
  return finishProtocol({ name: 'logprob-0-100-exact', rubrics, parameters, minMass })
}
