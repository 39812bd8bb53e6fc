import { createServer, type Server } from 'node:http'
import { type AddressInfo, isIP } from 'node:net'
import { CemError, messageOf } from '@cem/core'
import type { AdapterRequest } from './adapter-argument.ts'
import { ApiError } from './api-error.ts'
import { handleRequest } from './handle-request.ts'
import { isLoopback } from './loopback.ts'
import { Scheduler } from './scheduler.ts'
import { openServedModels, type ServedModel } from './served-models.ts'
import type { ServerContext } from './server-context.ts'

export interface ServerOptions {
  /** A model folder or hub id. */
  readonly base: string
  /** The base's name in requests. @default the hub id, or the folder's name */
  readonly name?: string | undefined
  /** Adapters, each under a name of its own, besides the base. @default none */
  readonly adapters?: readonly AdapterRequest[]
  /** Other names of the base that adapters may carry. @default none */
  readonly baseAliases?: readonly string[] | undefined
  /** The address to listen at. Others than this machine's can reach it only where this is no loopback address. @default '127.0.0.1' */
  readonly host?: string | undefined
  /** 0 takes a free one. @default 8000 */
  readonly port?: number | undefined
  /** What clients must send as `authorization: Bearer KEY`. @default none is needed */
  readonly apiKey?: string | undefined
  /** Samples in progress at once. @default 16 */
  readonly batchSize?: number | undefined
  /** Longest answer of a chat request that does not say, in tokens. @default 1024 */
  readonly defaultMaxTokens?: number | undefined
  /** Requests that may wait for their turn; more get a 429. @default 1024 */
  readonly maxWaiting?: number | undefined
  /** Largest body of a request. @default 8 MiB */
  readonly maxBodyBytes?: number | undefined
  /** How long a client may take to send a request, and to take a part of an answer. @default 60_000 */
  readonly clientTimeoutInMs?: number | undefined
  /** Threads of the runtime. @default the number of processors */
  readonly threads?: number | undefined
  /** Where hashes are kept. @default the user's cache folder */
  readonly cache?: string | undefined
  readonly signal?: AbortSignal | undefined
  /** Called once for each request when it is over, and with what went wrong inside. Prompts and keys are never in it. */
  readonly onLog?: ((line: string) => void) | undefined
}

/** A server that runs. Dispose of it to end it at once. */
export interface RunningServer extends AsyncDisposable {
  /** Where clients connect, ending in `/v1`. */
  readonly url: string
  readonly served: readonly ServedModel[]
  /** Whether only this machine can reach it. */
  readonly isLoopback: boolean
  /** Takes no more connections, lets what runs finish for as long as `graceInMs`, and ends. @default 10_000 */
  close(graceInMs?: number): Promise<void>
}

/**
 * Loads a model with its adapters and serves it as OpenAI's chat completions and completions.
 *
 * @throws CemError `served-name-taken`, `listen-failed`, and what `loadModel` of @cem/inference throws
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { adapters = [], host = '127.0.0.1', batchSize = 16, clientTimeoutInMs = 60_000 } = options
  const { model, served } = await openServedModels({ ...options, adapters })
  const scheduler = new Scheduler({ model, batchSize })
  const context: ServerContext = {
    served,
    scheduler,
    startedAt: new Date(),
    defaultMaxTokens: options.defaultMaxTokens ?? 1024,
    sendTimeoutInMs: clientTimeoutInMs,
  }
  const limits = {
    apiKey: options.apiKey,
    isLoopback: isLoopback(host),
    maxBodyBytes: options.maxBodyBytes ?? 8 * 2 ** 20,
    maxWaiting: options.maxWaiting ?? 1024,
    onLog: options.onLog ?? (() => undefined),
  }
  const end = new AbortController()
  const inFlight = new Set<Promise<void>>()
  const server = createServer(
    {
      requestTimeout: clientTimeoutInMs,
      headersTimeout: clientTimeoutInMs,
      connectionsCheckingInterval: Math.min(5_000, clientTimeoutInMs),
    },
    (request, response) => {
      const work = handleRequest(context, limits, request, response, end.signal).finally(() =>
        inFlight.delete(work),
      )
      inFlight.add(work)
    },
  )
  const dispose = async () => {
    end.abort(new ApiError({ status: 503, message: 'The server is stopping.' }))
    server.close()
    server.closeAllConnections()
    await Promise.all(inFlight)
    await scheduler[Symbol.asyncDispose]()
    await model[Symbol.asyncDispose]()
  }
  try {
    await listen(server, host, options.port ?? 8000)
  } catch (error) {
    await dispose()
    throw error
  }
  const { address, port } = server.address() as AddressInfo
  return {
    url: `http://${isIP(address) === 6 ? `[${address}]` : address}:${port}/v1`,
    served,
    isLoopback: isLoopback(address),
    close: async (graceInMs = 10_000) => {
      server.close()
      server.closeIdleConnections()
      const timer = new AbortController()
      const timeout = new Promise<void>((resolve) => {
        const handle = setTimeout(resolve, graceInMs)
        timer.signal.addEventListener('abort', () => clearTimeout(handle), { once: true })
      })
      await Promise.race([Promise.all(inFlight), timeout])
      timer.abort()
      await dispose()
    },
    [Symbol.asyncDispose]: dispose,
  }
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, host, () => resolve())
    })
  } catch (error) {
    throw new CemError({
      code: 'listen-failed',
      message: `Could not listen at ${host}, port ${port}: ${messageOf(error)}. Another program may have the port; give another one, or 0 for any.`,
      data: { host, port },
      cause: error,
    })
  }
}
