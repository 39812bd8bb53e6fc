import { resolve } from 'node:path'
import { type JudgeProtocol, protocolByName, readProtocol } from '@cem/judge'
import { isProtocolFile, type JudgeConnection } from '../config/judge-schema.ts'
import type { LoadedConfig } from '../config/load-config.ts'

/**
 * The protocol that a config names: for questions without rubrics of their own; the others are judged by theirs, in its way.
 *
 * @throws CemError `unknown-protocol`, `bad-protocol`, `protocol-file-unreadable`, `bad-protocol-file`, `bad-yaml`
 */
export async function runProtocol(
  { root }: Pick<LoadedConfig, 'root'>,
  { protocol, minMass }: Pick<JudgeConnection, 'protocol' | 'minMass'>,
): Promise<JudgeProtocol> {
  if (isProtocolFile(protocol)) return readProtocol(resolve(root, protocol))
  return protocolByName(protocol, minMass === undefined ? {} : { minMass })
}

/** The metrics that EM is made of. */
export const emMetrics = ['aligned', 'coherent'] as const
