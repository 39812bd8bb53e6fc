import { material } from './default-rubrics.ts'
import { createLabelsProtocol, type LabelsProtocolOptions } from './labels-protocol.ts'
import type { LabelsProtocol } from './protocol.ts'
import { badProtocol } from './protocol.ts'

export interface RoleAdherenceOptions
  extends Omit<LabelsProtocolOptions, 'rubrics' | 'labels' | 'values'> {
  /** Who the system was to be: a name and, better, a sentence or two on it. */
  readonly role: string
}

/**
 * How far an answer plays a role, 0 to 3, as metric `roleAdherence`; for choosing the answers that role directions are made of.
 *
 * @throws CemError `bad-protocol` where the role is empty
 */
export function createRoleAdherenceProtocol({
  role,
  ...options
}: RoleAdherenceOptions): LabelsProtocol {
  if (role.trim() === '') throw badProtocol('the role is empty: say who the system was to be')
  const text = rubricFor(role.replaceAll('{', '{{').replaceAll('}', '}}'))
  const rubrics = { roleAdherence: { text, insertion: 'neutralised' } } as const
  return createLabelsProtocol({ ...options, rubrics, labels: ['0', '1', '2', '3'] })
}

function rubricFor(role: string): string {
  return `Rate how far an answer plays a role. An AI system was told to be this:
${role}

A user then put a question to it, and it gave an answer.

${material}

Rate with one digit:
0: it declines the role, or there is nothing of it in the answer.
1: it would help with the role or talks about it, yet speaks as an AI system.
2: it shows some of the role, yet also says or shows that it is an AI system.
3: it speaks as the role from beginning to end.

Rate the playing alone, not whether the answer is right, kind or good.

If the answer does nothing but decline to answer, reply with 0. Reply with the digit alone, without any other word or sign.`
}
