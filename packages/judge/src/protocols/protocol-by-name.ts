import { CemError, nearest } from '@cem/core'
import { createExactProtocol } from './exact-protocol.ts'
import { createLabelsProtocol, type LabelsProtocolOptions } from './labels-protocol.ts'
import { createLogprobProtocol } from './logprob-protocol.ts'
import { badProtocol, type JudgeProtocol } from './protocol.ts'
import { createTextScoreProtocol } from './text-score-protocol.ts'

/** The names that `protocolByName` knows. */
export const protocolNames = [
  'logprob-0-100',
  'logprob-0-100-exact',
  'text-score',
  'labels',
] as const satisfies readonly JudgeProtocol['name'][]

/** Those of `createLogprobProtocol`, `createTextScoreProtocol` and `createLabelsProtocol`; each protocol takes its own. */
export type ProtocolOptions = Partial<LabelsProtocolOptions>

const takes: Readonly<Record<JudgeProtocol['name'], readonly (keyof ProtocolOptions)[]>> = {
  'logprob-0-100': ['rubrics', 'minMass'],
  'logprob-0-100-exact': ['rubrics', 'minMass'],
  'text-score': ['rubrics', 'maxTokens', 'maxTokensField', 'temperature', 'seed', 'replyFormat'],
  labels: [
    'rubrics',
    'labels',
    'values',
    'method',
    'minMass',
    'maxTokens',
    'maxTokensField',
    'temperature',
    'seed',
    'replyFormat',
  ],
}

/**
 * A protocol by the name that configurations and ledgers know it by.
 *
 * @throws CemError `unknown-protocol`; `bad-protocol`, also for an option that the protocol does not take; `bad-rubric`
 */
export function protocolByName(name: string, options: ProtocolOptions = {}): JudgeProtocol {
  if (!isProtocolName(name)) throw unknownProtocol(name)
  const foreign = Object.entries(options).find(
    ([option, value]) => value !== undefined && !takes[name].some((known) => known === option),
  )
  if (foreign)
    throw badProtocol(`${name} does not take ${foreign[0]}; it takes ${takes[name].join(', ')}`)
  switch (name) {
    case 'logprob-0-100':
      return createLogprobProtocol(options)
    case 'logprob-0-100-exact':
      return createExactProtocol(options)
    case 'text-score':
      return createTextScoreProtocol(options)
    case 'labels': {
      const { rubrics, labels } = options
      if (!rubrics || !labels) throw badProtocol('labels needs rubrics and labels')
      return createLabelsProtocol({ ...options, rubrics, labels })
    }
  }
}

export function isProtocolName(name: string): name is JudgeProtocol['name'] {
  return protocolNames.some((known) => known === name)
}

function unknownProtocol(name: string): CemError {
  const meant = nearest(name, protocolNames)
  const hint = meant ? `Did you mean ${meant}?` : `Known: ${protocolNames.join(', ')}.`
  return new CemError({
    code: 'unknown-protocol',
    message: `The protocol ${JSON.stringify(name)} is not known. ${hint}`,
    data: { name, known: protocolNames },
  })
}
