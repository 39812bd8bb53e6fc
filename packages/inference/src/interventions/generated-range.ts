import { CemError } from '@cem/core'
import type { TokenRange } from '../engine/messages.ts'
import type { ScoreSequence } from '../model-api.ts'
import type { Intervention } from './intervention.ts'

/**
 * The positions of a given sequence that count as generated, before which the prompt ends; null where nothing asks.
 *
 * @throws CemError `intervention-invalid` where an intervention asks for them and the sequence does not say
 */
export function generatedRange(
  { id, spans, generated }: ScoreSequence,
  interventions: readonly Intervention[],
): TokenRange | null {
  if (interventions.every(({ positions = 'all' }) => positions === 'all')) return null
  const range = generated ?? spans?.['content']
  if (range === undefined)
    throw new CemError({
      code: 'intervention-invalid',
      message: `Sequence '${id}' has an intervention at generated positions or at the end of the prompt before them, and does not say which those are. Give it \`generated\`, or a span named content.`,
      data: { id },
    })
  return range
}
