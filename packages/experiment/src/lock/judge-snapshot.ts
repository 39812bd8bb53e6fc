import { createChatClient } from '@cem/chat'
import { probeProtocol } from '@cem/judge'
import type { LoadedConfig } from '../config/load-config.ts'
import { runProtocol } from '../judging/run-protocol.ts'
import { connectionOf, type JudgeServers, startServer } from '../run/judge-session.ts'

export interface JudgeSnapshotOptions {
  readonly loaded: LoadedConfig
  readonly judgeServers?: JudgeServers | undefined
  readonly signal?: AbortSignal | undefined
}

/** What a judge says of itself; null where it does not. */
export interface JudgeSnapshot {
  /** The model that answers in the name of the one that was asked for, usually a dated snapshot. */
  readonly servedModel: string | null
  /** Of the server's set-up. Providers have several at a time, so it tells much when it stays and little when it moves. */
  readonly systemFingerprint: string | null
}

/**
 * Asks the judge what it is. It costs the few calls of the probe.
 *
 * @throws CemError `judge-server-unknown`, and those of `probeProtocol` and `createChatClient`
 */
export async function judgeSnapshot({
  loaded,
  judgeServers = {},
  signal,
}: JudgeSnapshotOptions): Promise<JudgeSnapshot> {
  const { judge } = loaded.config
  const server =
    judge.server === undefined ? undefined : await startServer(judge.server, judgeServers)
  try {
    const client = createChatClient(connectionOf(judge, server))
    const protocol = await runProtocol(loaded, judge)
    const { servedModel, systemFingerprint } = await probeProtocol(client, protocol, { signal })
    return { servedModel: servedModel ?? null, systemFingerprint: systemFingerprint ?? null }
  } finally {
    await server?.[Symbol.asyncDispose]()
  }
}
