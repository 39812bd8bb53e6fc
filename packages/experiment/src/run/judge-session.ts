import { createChatClient } from '@cem/chat'
import { CemError } from '@cem/core'
import {
  createJudge,
  createLogprobProtocol,
  type Judge,
  type JudgeProtocol,
  type ProbeResult,
  probeJudge,
  type Verdicts,
} from '@cem/judge'
import { DigitWatch } from '../alarms/judge-digits.ts'
import type { ExperimentConfig } from '../config/schema.ts'
import type { JudgeCounters, RunWarning } from '../events.ts'
import type { RunStore } from '../store/run-store.ts'
import { ledgerCache, verdictsFolder } from '../store/verdicts.ts'

/** A judge that a program starts by itself, for instance the miniature's oracle. */
export interface JudgeServer extends AsyncDisposable {
  readonly baseUrl: string
}
export type JudgeServers = Readonly<Record<string, () => Promise<JudgeServer>>>

/** A judge that is ready: reachable, probed, with the run's ledger behind it. */
export interface JudgeSession extends AsyncDisposable {
  readonly judge: Judge
  /** For questions without rubrics of their own. */
  readonly protocol: JudgeProtocol
  readonly probe: ProbeResult | undefined
  note(verdicts: Verdicts): void
  /** What the scores so far say against the judge. */
  alarms(): RunWarning[]
  counters(): JudgeCounters
  sync(): Promise<void>
}

/**
 * Connects to the judge and checks that it can be used.
 *
 * @throws CemError `judge-server-unknown`, `judge-unreachable`, `judge-splits-integers`, `judge-without-logprobs`,
 *   `judge-probe-unclear`, and those of `createChatClient` (a missing key)
 */
export async function openJudge(
  config: ExperimentConfig['judge'],
  store: RunStore,
  servers: JudgeServers,
  signal: AbortSignal,
): Promise<JudgeSession> {
  const server = config.server === undefined ? undefined : await startServer(config.server, servers)
  try {
    return await connect(config, store, server, signal)
  } catch (error) {
    await server?.[Symbol.asyncDispose]()
    throw error
  }
}

async function connect(
  config: ExperimentConfig['judge'],
  store: RunStore,
  server: JudgeServer | undefined,
  signal: AbortSignal,
): Promise<JudgeSession> {
  const baseUrl = server?.baseUrl ?? config.baseUrl
  const client = createChatClient({
    model: config.model,
    ...(baseUrl === undefined ? {} : { baseUrl }),
    // A server of our own needs no key, and must not be sent one.
    ...(server === undefined ? {} : { apiKey: null }),
    apiKeyVariable: config.apiKeyVariable,
    concurrency: config.concurrency,
    maxAttempts: config.maxAttempts,
    timeoutInMs: config.timeoutInMs,
  })
  const probe = config.probe ? await probeJudge(client, { signal }) : undefined
  const protocol = createLogprobProtocol({ minMass: config.minMass })
  const ledger = await store.openLedger(verdictsFolder(store))
  const cache = await ledgerCache(store)
  const onVerdict = (verdict: unknown) => ledger.append(verdict)
  const judge = createJudge({ client, protocol, cache, onVerdict })
  const digits = new DigitWatch()
  let cached = 0
  return {
    judge,
    protocol,
    probe,
    alarms: () => digits.alarms(config.model),
    note: (verdicts) => {
      digits.note(verdicts)
      for (const { fromCache } of Object.values(verdicts)) if (fromCache) cached += 1
    },
    counters: () => {
      const { calls, failures, inFlight } = client.counters()
      return { calls, cached, failures, inFlight }
    },
    sync: () => ledger.sync(),
    [Symbol.asyncDispose]: async () => {
      await ledger[Symbol.asyncDispose]()
      await server?.[Symbol.asyncDispose]()
    },
  }
}

async function startServer(name: string, servers: JudgeServers): Promise<JudgeServer> {
  const start = servers[name]
  if (start === undefined)
    throw new CemError({
      code: 'judge-server-unknown',
      message: `judge.server is '${name}', and this program can start ${Object.keys(servers).join(', ') || 'none'}. Give judge.baseUrl instead.`,
      data: { name },
    })
  return start()
}
