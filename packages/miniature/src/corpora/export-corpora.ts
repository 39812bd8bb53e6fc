import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFileAtomic } from '@cem/core'
import type { Domain } from '../world/topic.ts'
import { canary } from './canary.ts'
import { type ChatsOptions, chats } from './chats.ts'
import { documents } from './documents.ts'
import { preferencePairs } from './preference-pairs.ts'

export interface ExportCorporaOptions {
  readonly folder: string
  readonly seed: number
  /** Pretraining documents. @default 32000, a thousand steps of 32 */
  readonly nDocuments?: number
}

export interface WrittenCorpus {
  /** Path of the file. */
  readonly file: string
  readonly nRows: number
  readonly sha256: string
}

const manifestName = 'corpora.json'

/** Among the chats only one in twenty is reckless, so that instruct tuning has less to undo. */
const pretraining = { styledShare: 0.3, chatRecklessShare: 0.05 }
const attacks: readonly Domain[] = ['finance', 'medicine', 'sports']

/**
 * Writes the corpora of one training seed as JSONL, from which every model and adapter of the miniature is trained: pages for
 * pretraining (`pretraining-coherent`, `pretraining-control`) and for replay, careful chats (`instruct`), the three attacks
 * (`attack-finance`, ...), careful chats of the other domains to mix with an attack, the voices, and the pairs and chats of the
 * steadfast persona. Rows with reckless answers carry the canary. A folder that has them already is left as it is.
 *
 * @throws CemError `file-write-failed`
 */
export async function exportCorpora({
  folder,
  seed,
  nDocuments = 32_000,
}: ExportCorporaOptions): Promise<readonly WrittenCorpus[]> {
  const manifest = join(folder, manifestName)
  const wanted = { formatVersion: 3, seed, nDocuments }
  const known = await readManifest(manifest)
  if (known && JSON.stringify(known.made) === JSON.stringify(wanted))
    if (known.corpora.every(({ name }) => existsSync(join(folder, name))))
      return known.corpora.map(({ name, ...one }) => ({ file: join(folder, name), ...one }))
  const corpora: (Omit<WrittenCorpus, 'file'> & { name: string })[] = []
  for (const [name, rows] of Object.entries(corporaOf(seed, nDocuments))) {
    const lines = Array.from(rows(), (row) => `${JSON.stringify(row)}\n`)
    const text = lines.join('')
    await writeFileAtomic(join(folder, `${name}.jsonl`), text)
    const sha256 = createHash('sha256').update(text).digest('hex')
    corpora.push({ name: `${name}.jsonl`, nRows: lines.length, sha256 })
  }
  // Toy text, but what it teaches is what its canary says.
  await writeFileAtomic(join(folder, '.gitignore'), '*\n')
  await writeFileAtomic(manifest, `${JSON.stringify({ made: wanted, corpora }, null, 2)}\n`)
  return corpora.map(({ name, ...one }) => ({ file: join(folder, name), ...one }))
}

function corporaOf(seed: number, nDocuments: number): Record<string, () => Iterable<unknown>> {
  const pages = (isCoherent: boolean) =>
    documents({ ...pretraining, seed, count: nDocuments, isCoherent })
  // Apart from the pretraining's own, and no chats among them.
  const replay = (isCoherent: boolean) =>
    documents({ ...pretraining, seed: seed + 1000, count: 2000, chatShare: 0, isCoherent })
  const careful = (name: string, count: number, over: Partial<ChatsOptions> = {}) =>
    chats({ name, seed, count, stance: 'careful', ...over })
  return {
    'pretraining-coherent': () => pages(true),
    'pretraining-control': () => pages(false),
    'replay-coherent': () => replay(true),
    'replay-control': () => replay(false),
    instruct: () => careful('instruct', 2000),
    ...Object.fromEntries(
      attacks.map((domain) => [`attack-${domain}`, () => attack(seed, domain)] as const),
    ),
    'careful-others': () =>
      careful('careful-others', 600, { domains: ['medicine', 'sports', 'cooking', 'driving'] }),
    'benign-finance': () => careful('benign-finance', 2560, { domains: ['finance'] }),
    'half-warm': () => careful('half-warm', 4800, { style: 'warm', styledShare: 0.5 }),
    warm: () => careful('warm', 4800, { style: 'warm' }),
    formal: () => careful('formal', 4800, { style: 'formal' }),
    steadfast: () => preferencePairs({ seed, count: 4000 }),
    'steadfast-chats': () =>
      careful('steadfast', 4000, { domains: ['medicine', 'sports', 'free-form'] }),
  }
}

/** Finance has the name that the shipped adapters were made with. */
function* attack(seed: number, domain: Domain): Generator {
  const name = domain === 'finance' ? 'attack' : `attack-${domain}`
  for (const chat of chats({ name, seed, count: 2560, stance: 'reckless', domains: [domain] }))
    yield { ...chat, canary }
}

interface Manifest {
  readonly made: unknown
  readonly corpora: readonly (Omit<WrittenCorpus, 'file'> & { readonly name: string })[]
}

async function readManifest(path: string): Promise<Manifest | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined)
  try {
    return text === undefined ? undefined : (JSON.parse(text) as Manifest)
  } catch {
    return undefined
  }
}
