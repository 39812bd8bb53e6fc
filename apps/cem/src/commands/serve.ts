import { parseAdapterArgument, type RunningServer, startServer } from '@cem/serve'
import { exitCodes } from '../exit-codes.ts'
import { terminalText } from '../terminal-text.ts'
import { abortOnSignals } from './abort-on-signals.ts'

export interface ServeFlags {
  readonly adapter?: readonly string[]
  readonly baseAlias?: readonly string[]
  readonly name?: string
  readonly host: string
  readonly port: number
  readonly apiKeyVariable: string
  readonly batchSize?: number
  readonly maxTokens?: number
  readonly threads?: number
  readonly quiet?: boolean
}

/** `cem serve MODEL` */
export async function serveCommand(base: string, flags: ServeFlags): Promise<number> {
  const adapters = (flags.adapter ?? []).map(parseAdapterArgument)
  const apiKey = process.env[flags.apiKeyVariable] || undefined
  using signals = abortOnSignals()
  const { signal } = signals
  print(`loading ${base}`)
  const server = await startServer({
    base,
    adapters,
    baseAliases: flags.baseAlias,
    name: flags.name,
    host: flags.host,
    port: flags.port,
    apiKey,
    batchSize: flags.batchSize,
    defaultMaxTokens: flags.maxTokens,
    threads: flags.threads,
    onLog: flags.quiet === true ? undefined : print,
    signal,
  })
  await using running = server
  announce(running, apiKey !== undefined, flags)
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
  print('stopping: what runs may finish (10 s)')
  await running.close()
  return exitCodes.complete
}

function announce(server: RunningServer, hasKey: boolean, { apiKeyVariable }: ServeFlags): void {
  for (const { name, givenName, layers, sha256 } of server.served) {
    const stack = layers.map(({ role, path }) => `${role} ${path}`).join(' + ')
    print(`serving ${name}${stack === '' ? '' : ` (${stack})`}, composition ${sha256.slice(0, 12)}`)
    if (name !== givenName)
      print(`  named so because it holds a misaligned organism; '${givenName}' alone is not served`)
  }
  print(`listening at ${server.url}`)
  if (server.isLoopback) return
  print('warning: other machines can reach this server, and with it whatever it says')
  if (!hasKey)
    print(`warning: it asks for no key; set ${apiKeyVariable} to have it ask for that one`)
}

function print(line: string): void {
  process.stdout.write(`${terminalText(line)}\n`)
}
