import { createChatClient } from '@cem/chat'
import { probeProtocol } from '@cem/judge'
import type { LoadedConfig } from '../config/load-config.ts'
import { runProtocol } from '../judging/run-protocol.ts'
import { connectionOf, type JudgeServers, startServer } from '../run/judge-session.ts'
import { servedPrefix } from './compare-study-locks.ts'

export interface JudgeSnapshotOptions {
  readonly loaded: LoadedConfig
  readonly judgeServers?: JudgeServers | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Asks the judge what it is: the model that answers in the name of the one that was asked for, usually a dated snapshot. It costs
 * the few calls of the probe.
 *
 * @throws CemError `judge-server-unknown`, and those of `probeProtocol` and `createChatClient`
 */
export async function judgeSnapshot({
  loaded,
  judgeServers = {},
  signal,
}: JudgeSnapshotOptions): Promise<Record<string, string>> {
  const { judge } = loaded.config
  const server =
    judge.server === undefined ? undefined : await startServer(judge.server, judgeServers)
  try {
    const client = createChatClient(connectionOf(judge, server))
    const protocol = await runProtocol(loaded, judge)
    const { servedModel, systemFingerprint } = await probeProtocol(client, protocol, { signal })
    return {
      [`${servedPrefix}model`]: servedModel ?? 'not said',
      [`${servedPrefix}fingerprint`]: systemFingerprint ?? 'not said',
    }
  } finally {
    await server?.[Symbol.asyncDispose]()
  }
}
