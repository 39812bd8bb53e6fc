import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { availableParallelism, totalmem } from 'node:os'
import {
  availableMemory,
  cacheFolder,
  hubCache,
  type ProviderRequest,
  type ProviderStatus,
  providerStatuses,
  resolveProvider,
  runtimeInfo,
} from '@cem/inference'
import { exitCodes } from '../exit-codes.ts'
import { memoryLines } from '../plain/memory-lines.ts'
import { formatTable } from '../summary.ts'

interface DoctorFlags {
  readonly provider?: ProviderRequest | undefined
}

/** `cem doctor`: fails where the provider that it is asked for does not work. */
export async function doctorCommand(
  model: string | undefined,
  { provider = 'auto' }: DoctorFlags,
): Promise<number> {
  const [runtime, statuses] = await Promise.all([runtimeInfo(), providerStatuses()])
  const lines = [
    ...formatTable(machineRows(runtime.version)),
    '',
    'What models can run on (--provider, or engine.provider in a config):',
    ...statuses.flatMap(providerLines),
    await chosenLine(provider, statuses),
    '',
    ...formatTable(await folderRows()),
    ...(model === undefined ? [] : ['', ...(await memoryLines(model))]),
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
  const named = statuses.find((status) => status.provider === provider)
  return named?.device === null ? exitCodes.failed : exitCodes.complete
}

function machineRows(runtimeVersion: string): string[][] {
  const gigabytes = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`
  return [
    ['node', process.version],
    ['platform', `${process.platform}-${process.arch}`],
    ['threads', String(availableParallelism())],
    [
      'memory',
      `${gigabytes(totalmem())}, ${gigabytes(availableMemory())} available to this process`,
    ],
    ['onnxruntime-node', runtimeVersion],
  ]
}

/** A line for a provider that works; for another one also what is missing, and the command that installs it. */
function providerLines({ provider, device, missing, install }: ProviderStatus): string[] {
  const label = `  ${provider.padEnd(9)}`
  if (device !== null)
    return [
      `${label} works on ${device.name}${device.kind === 'software' ? ' (software: right, and slow)' : ''}`,
    ]
  return [
    `${label} does not work: ${missing}`,
    ...(install === null ? [] : [`${' '.repeat(label.length)} install: ${install}`]),
  ]
}

async function chosenLine(
  provider: ProviderRequest,
  statuses: readonly ProviderStatus[],
): Promise<string> {
  if (provider === 'auto') return `  auto      takes ${(await resolveProvider('auto')).provider}`
  const works = statuses.some((status) => status.provider === provider && status.device !== null)
  return works ? `  ${provider} was asked for, and works` : `  ${provider} was asked for: MISSING`
}

async function folderRows(): Promise<string[][]> {
  const hub = hubCache(process.env)
  const models = existsSync(hub)
    ? (await readdir(hub)).filter((name) => name.startsWith('models--'))
    : []
  const key = process.env['OPENAI_API_KEY']
    ? 'set'
    : 'not set (needed for judges at OpenAI; a .env file works too)'
  return [
    ['hub cache', `${hub}${existsSync(hub) ? `, ${models.length} models` : ' (not there)'}`],
    ...models.slice(0, 20).map((name) => ['', name.slice('models--'.length).replace('--', '/')]),
    ['own cache', `${cacheFolder()} (hashes, merged and int8 weights)`],
    ['OPENAI_API_KEY', key],
  ]
}
