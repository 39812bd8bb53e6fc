import { CemError } from '@cem/core'
import { JsonReader } from './json-reader.ts'
import { fileNameProblem, nameProblem, quote } from './names.ts'
import { openReadableFile } from './readable-file.ts'

/** As for safetensors headers; the index of a 400B model is about 100 KB. */
const maxIndexBytes = 100_000_000

/**
 * Reads `model.safetensors.index.json`.
 *
 * @returns from each tensor's name to the file name of its shard, which is a plain name: no path leaves the folder.
 * @throws CemError `safetensors-index-invalid`
 */
export async function readShardIndex(path: string): Promise<ReadonlyMap<string, string>> {
  const fail = (problem: string) =>
    new CemError({
      code: 'safetensors-index-invalid',
      message: `${path} is not a valid index of safetensors files: ${problem}. Fetch it again.`,
      data: { path },
    })
  const json = new JsonReader(await readText(path, fail), fail)
  let shardOf: ReadonlyMap<string, string> | undefined
  json.object((key) => {
    if (key === 'weight_map') shardOf = readWeightMap(json, fail)
    else json.skip()
  })
  json.end()
  if (!shardOf) throw fail('it has no "weight_map"')
  if (shardOf.size === 0) throw fail('its "weight_map" is empty')
  return shardOf
}

function readWeightMap(
  json: JsonReader,
  fail: (problem: string) => CemError,
): ReadonlyMap<string, string> {
  const shardOf = new Map<string, string>()
  json.object((name) => {
    const badName = nameProblem(name)
    if (badName) throw fail(`the tensor name ${quote(name)} ${badName}`)
    const shard = json.string()
    const badShard = fileNameProblem(shard)
    if (badShard) throw fail(`tensor ${quote(name)} lies in ${quote(shard)}, which ${badShard}`)
    shardOf.set(name, shard)
  })
  return shardOf
}

async function readText(path: string, fail: (problem: string) => CemError): Promise<string> {
  await using file = await openReadableFile(path)
  if (file.sizeBytes > maxIndexBytes)
    throw fail(`it has ${file.sizeBytes} bytes, and at most ${maxIndexBytes} are allowed`)
  const bytes = new Uint8Array(file.sizeBytes)
  await file.readInto(bytes, 0)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw fail('it is not UTF-8')
  }
}
