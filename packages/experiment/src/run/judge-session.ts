import {
  type BatchClient,
  type ChatClientOptions,
  type ChatRequest,
  type CostEstimate,
  createBatchClient,
  createChatClient,
  createCostBudget,
} from '@cem/chat'
import { CemError } from '@cem/core'
import {
  createJudge,
  type Judge,
  type JudgeProtocol,
  probeProtocol,
  type Verdict,
  type Verdicts,
} from '@cem/judge'
import { DigitWatch } from '../alarms/judge-digits.ts'
import type { JudgeConfig, JudgeConnection } from '../config/judge-schema.ts'
import type { JudgeCounters, RunWarning } from '../events.ts'
import type { JudgeRole, JudgingEvent } from '../judging/judging-events.ts'
import { openLedger, spentOn } from '../judging/ledger.ts'
import { type RunStore, readFolder } from '../store/run-store.ts'

/** A judge that a program starts by itself, for instance the miniature's oracle. */
export interface JudgeServer extends AsyncDisposable {
  readonly baseUrl: string
  /** It was made for some questions and refuses all others: anchors and canary rows are left out. @default false */
  readonly knowsOwnQuestionsOnly?: boolean
}
/** How each judge that a program brings along is started, by the name that configs give as `judge.server`. */
export type JudgeServers = Readonly<Record<string, () => Promise<JudgeServer>>>

/** A judge that is ready: reachable, probed, with the run's ledger behind it. */
export interface JudgeSession extends AsyncDisposable {
  readonly role: JudgeRole
  readonly model: string
  readonly judge: Judge
  /** For questions without rubrics of their own. */
  readonly protocol: JudgeProtocol
  readonly knowsOwnQuestionsOnly: boolean
  /** Where the config wants batches. */
  readonly batches: BatchClient | undefined
  /** A judge of the same kind behind which there is no ledger, and which is never asked: it tells what all requests would be. */
  planner(): Judge
  /** The same judge with a ledger of its own. */
  withLedger(role: JudgeRole, folder: string): Promise<JudgeSession>
  estimateCost(requests: readonly ChatRequest[]): CostEstimate
  note(verdicts: Verdicts): void
  /** What the scores so far say against the judge. */
  alarms(): RunWarning[]
  counters(): JudgeCounters
  cost(): Extract<JudgingEvent, { type: 'judge-cost' }>
  sync(): Promise<void>
}

export interface OpenJudgeOptions {
  readonly role: JudgeRole
  readonly config: JudgeConnection
  readonly protocol: JudgeProtocol
  readonly maxAnswerTokens: number
  readonly batch: JudgeConfig['batch']
  readonly store: RunStore
  /** Of the ledger. */
  readonly folder: string
  /** Of further ledgers that are paid from the same limit. */
  readonly otherFolders?: readonly string[]
  /** What earlier processes have spent by their own count. */
  readonly spentUsd: number
  readonly servers: JudgeServers
  readonly signal: AbortSignal
}

/**
 * Connects to the judge and checks that it can be used.
 *
 * @throws CemError `judge-server-unknown`, those of `probeProtocol` (`judge-unreachable`, `judge-splits-integers`, ...) and of
 *   `createChatClient` (a missing key)
 */
export async function openJudge(options: OpenJudgeOptions): Promise<JudgeSession> {
  const { config, servers } = options
  const server = config.server === undefined ? undefined : await startServer(config.server, servers)
  try {
    return await connect(options, server)
  } catch (error) {
    await server?.[Symbol.asyncDispose]()
    throw error
  }
}

async function connect(
  options: OpenJudgeOptions,
  server: JudgeServer | undefined,
): Promise<JudgeSession> {
  const { config, protocol, maxAnswerTokens, batch, store, signal } = options
  const { model, prices, maxCostUsd } = config
  const batchPrices = (typeof batch === 'object' ? batch.prices : undefined) ?? prices
  const readLedger = (folder: string) => openLedger(store, folder, { prices, batchPrices })
  const first = await readLedger(options.folder)
  let inLedgers = first.spentUsd
  for (const folder of options.otherFolders ?? [])
    inLedgers += spentOn(await readFolder<Verdict>(folder), { prices, batchPrices })
  const spentUsd = Math.max(options.spentUsd, inLedgers)
  const where = connectionOf(config, server)
  const client = createChatClient({
    ...where,
    concurrency: config.concurrency,
    ...given({
      requestsPerMinute: config.requestsPerMinute,
      tokensPerMinute: config.tokensPerMinute,
      prices: prices && given(prices),
      costBudget:
        maxCostUsd === undefined
          ? undefined
          : createCostBudget({ maxUsd: maxCostUsd, alreadySpentUsd: spentUsd }),
    }),
  })
  const batches =
    batch === false
      ? undefined
      : createBatchClient({
          ...where,
          ...given({
            prices: batchPrices && given(batchPrices),
            maxCostUsd: maxCostUsd === undefined ? undefined : Math.max(0, maxCostUsd - spentUsd),
          }),
          ...(batch === true
            ? {}
            : given({
                completionWindow: batch.completionWindow,
                maxRequestsPerBatch: batch.maxRequestsPerBatch,
                pollIntervalInMs: batch.pollIntervalInMs,
              })),
        })
  if (config.probe) await probeProtocol(client, protocol, { signal })
  const digits = new DigitWatch()
  let cached = 0
  const unscored: Record<string, number> = {}

  const make = (role: JudgeRole, ledger: typeof first): JudgeSession => {
    const judge = createJudge({
      client,
      protocol,
      maxAnswerTokens,
      cache: ledger.cache,
      onVerdict: (verdict) => ledger.append(verdict),
    })
    return {
      role,
      model,
      judge,
      protocol,
      knowsOwnQuestionsOnly: server?.knowsOwnQuestionsOnly === true,
      batches,
      planner: () => createJudge({ client, protocol, maxAnswerTokens }),
      withLedger: async (other, folder) => make(other, await readLedger(folder)),
      estimateCost: (requests) =>
        batches === undefined
          ? client.estimateCost(requests)
          : batches.estimateCost(requests.map((request, i) => ({ id: String(i), request }))),
      alarms: () => digits.alarms(model),
      note: (verdicts) => {
        digits.note(verdicts)
        for (const verdict of Object.values(verdicts)) {
          if (verdict.fromCache) cached += 1
          if (verdict.status === 'unscored')
            unscored[verdict.reason] = (unscored[verdict.reason] ?? 0) + 1
        }
      },
      counters: () => {
        const { calls, failures, inFlight, costUsd } = client.counters()
        return { calls, cached, failures, inFlight, costUsd, unscored: { ...unscored } }
      },
      cost: () => {
        const { calls, promptTokens, completionTokens, costUsd, possibleCostUsd } =
          client.counters()
        return {
          type: 'judge-cost',
          judge: role,
          session: judge.session,
          calls,
          promptTokens,
          completionTokens,
          costUsd,
          possibleUsd: possibleCostUsd,
        }
      },
      sync: () => ledger.sync(),
      [Symbol.asyncDispose]: async () => {
        await ledger[Symbol.asyncDispose]()
        if (ledger === first) await server?.[Symbol.asyncDispose]()
      },
    }
  }
  return make(options.role, first)
}

/** The options that a chat client and a batch client share. */
export function connectionOf(
  config: JudgeConnection,
  server?: JudgeServer,
): Pick<ChatClientOptions, 'model' | 'provider' | 'maxAttempts' | 'timeoutInMs'> &
  Partial<Pick<ChatClientOptions, 'baseUrl' | 'apiKey' | 'apiKeyVariable'>> {
  const { model, provider, maxAttempts, timeoutInMs, apiKeyVariable } = config
  return {
    model,
    provider,
    maxAttempts,
    timeoutInMs,
    ...given({ baseUrl: server?.baseUrl ?? config.baseUrl, apiKeyVariable }),
    // A server of our own needs no key, and must not be sent one.
    ...(server === undefined ? {} : { apiKey: null }),
  }
}

/** The options that are there: an undefined one is none. */
export function given<T extends object>(
  options: T,
): { [Key in keyof T]?: Exclude<T[Key], undefined> } & {
  [Key in keyof T as undefined extends T[Key] ? never : Key]: T[Key]
} {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as never
}

/** @throws CemError `judge-server-unknown` */
export async function startServer(name: string, servers: JudgeServers): Promise<JudgeServer> {
  const start = servers[name]
  if (start === undefined)
    throw new CemError({
      code: 'judge-server-unknown',
      message: `judge.server is '${name}', and this program can start ${Object.keys(servers).join(', ') || 'none'}. Give judge.baseUrl instead.`,
      data: { name },
    })
  return start()
}
