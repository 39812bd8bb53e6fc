import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { availableParallelism, freemem, totalmem } from 'node:os'
import { cacheFolder, hubCache, runtimeInfo } from '@cem/inference'
import { exitCodes } from '../exit-codes.ts'
import { formatTable } from '../summary.ts'

/** `cem doctor` */
export async function doctorCommand(): Promise<number> {
  const gigabytes = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`
  const runtime = await runtimeInfo()
  const hub = hubCache(process.env)
  const models = existsSync(hub)
    ? (await readdir(hub)).filter((name) => name.startsWith('models--'))
    : []
  const key = process.env['OPENAI_API_KEY']
    ? 'set'
    : 'not set (needed for judges at OpenAI; a .env file works too)'
  const rows = [
    ['node', process.version],
    ['platform', `${process.platform}-${process.arch}`],
    ['processors', String(availableParallelism())],
    ['memory', `${gigabytes(totalmem())}, ${gigabytes(freemem())} free`],
    ['onnxruntime-node', runtime.version],
    ...runtime.providers.map(({ name, isBundled }) => [
      `  ${name}`,
      isBundled ? 'in the package' : 'not there',
    ]),
    ['runs on', 'cpu (32-bit floats); other providers are not used yet'],
    ['hub cache', `${hub}${existsSync(hub) ? `, ${models.length} models` : ' (not there)'}`],
    ...models.slice(0, 20).map((name) => ['', name.slice('models--'.length).replace('--', '/')]),
    ['own cache', `${cacheFolder()} (hashes, merged weights)`],
    ['OPENAI_API_KEY', key],
  ]
  process.stdout.write(`${formatTable(rows).join('\n')}\n`)
  return exitCodes.complete
}
