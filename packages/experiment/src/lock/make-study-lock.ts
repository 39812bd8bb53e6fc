import { isAbsolute, join, relative, sep } from 'node:path'
import type { Composition } from '@cem/inference'
import type { LoadedConfig } from '../config/load-config.ts'
import { defaultQuestionsFile, type QuestionSet } from '../plan/question-sets.ts'
import type { Lock, LockedCell } from '../store/lock.ts'
import { servedModelPart } from './compare-study-locks.ts'
import { hashIfAny } from './hash-file.ts'
import type { JudgeSnapshot } from './judge-snapshot.ts'
import { lockedSettings } from './locked-settings.ts'
import { packageVersions } from './package-versions.ts'
import type { StudyLock } from './study-lock.ts'
import { trainingFiles } from './training-files.ts'

export interface MakeStudyLockInput {
  readonly loaded: LoadedConfig
  /** As the run takes stock of it. */
  readonly lock: Lock
  readonly sets: readonly QuestionSet[]
  /** Where base and adapters are on this machine; without them only the cells' hashes are known. */
  readonly compositions: ReadonlyMap<string, Composition> | undefined
  /** What the judge says of itself, where it was asked. */
  readonly snapshot?: JudgeSnapshot | undefined
}

const notSaid = 'not said'

/** Puts together what a study depends on. Paths below the config's root are written as seen from there. */
export async function makeStudyLock(input: MakeStudyLockInput): Promise<StudyLock> {
  const { loaded, lock, sets, compositions, snapshot } = input
  const { node = '', platform = '', ...packages } = { ...lock.software, ...packageVersions() }
  const nameOf = (path: string) => relative(loaded.root, path).split(sep).join('/')
  const cells = Object.entries(lock.cells)
  return {
    formatVersion: 1,
    study: loaded.name,
    lockedAt: lock.createdAt,
    environment: {
      node,
      platform,
      ...(snapshot === undefined
        ? {}
        : { 'judge fingerprint': snapshot.systemFingerprint ?? notSaid }),
    },
    parts: {
      ...(compositions === undefined ? {} : await filesOf(cells, compositions, nameOf)),
      cells: Object.fromEntries(cells.map(([id, cell]) => [id, cellText(cell)])),
      ...(compositions === undefined
        ? {}
        : {
            data: await trainingFiles(
              cells.map(([, { cell }]) => cell),
              nameOf,
            ),
          }),
      prompts: promptsOf(sets, lock, nameOf),
      judge: {
        ...judgeOf(lock, loaded),
        ...(snapshot === undefined ? {} : { [servedModelPart]: snapshot.servedModel ?? notSaid }),
      },
      settings: lockedSettings(loaded.config),
      packages: Object.fromEntries(
        Object.entries(packages).toSorted(([a], [b]) => (a < b ? -1 : 1)),
      ),
    },
  }
}

/** They decide how the weights are computed with, and which tokens end an answer. */
const configFiles = ['config.json', 'generation_config.json']

/** Each file once, whatever number of cells it is in. */
async function filesOf(
  cells: readonly (readonly [string, LockedCell])[],
  compositions: ReadonlyMap<string, Composition>,
  nameOf: (path: string) => string,
): Promise<Pick<StudyLock['parts'], 'weights' | 'tokenizers' | 'adapters'>> {
  const weights: Record<string, string> = {}
  const tokenizers: Record<string, string> = {}
  const adapters: Record<string, string> = {}
  for (const [id, { cell, composition }] of cells) {
    if (composition === undefined) continue
    const { files, revision, tokenizerSha256 } = composition.base
    // A hub id stays what it is; a folder is seen from the root.
    const base = isAbsolute(cell.base) ? nameOf(cell.base) : cell.base
    if (!(base in tokenizers)) {
      for (const { name, sha256 } of files) weights[`${base}/${name}`] = sha256
      if (revision !== null) weights[`${base} revision`] = revision
      const folder = compositions.get(id)?.base.folder ?? cell.base
      for (const name of configFiles) {
        const hash = await hashIfAny(join(folder, name))
        if (hash !== undefined) weights[`${base}/${name}`] = hash
      }
      tokenizers[base] = tokenizerSha256
    }
    for (const { path, sha256, configSha256 } of composition.layers) {
      adapters[`${nameOf(path)} weights`] = sha256
      adapters[`${nameOf(path)} adapter_config.json`] = configSha256
    }
  }
  return { weights, tokenizers, adapters }
}

/** What runs, in words, and the hash of everything that decides its output. */
function cellText({ cell, composition }: LockedCell): string {
  const layers = cell.layers.map(({ mode, role }) => `${mode} ${role}`)
  return [
    ['base', ...layers].join(' + '),
    ...(cell.causal === undefined ? [] : [JSON.stringify(cell.causal)]),
    composition?.sha256 ?? 'not hashed',
  ].join(', ')
}

function promptsOf(
  sets: readonly QuestionSet[],
  lock: Lock,
  nameOf: (path: string) => string,
): Record<string, string> {
  const parts: Record<string, string> = {}
  for (const { name: set, files, leftOut } of sets) {
    for (const { path, sha256, name } of files)
      parts[
        `${set} ${name ?? (path === defaultQuestionsFile() ? 'cem:free-form' : nameOf(path))}`
      ] = sha256
    if (leftOut.length > 0) parts[`${set} left out`] = leftOut.join(', ')
  }
  lock.judge?.protocols.forEach((hash, i) => {
    parts[`judge protocol ${i + 1}`] = hash
  })
  const { canaries, anchors } = lock.judge ?? {}
  if (canaries) parts['judge canaries'] = canaries
  if (anchors) parts['judge anchors'] = anchors
  return parts
}

function judgeOf({ judge }: Lock, { config }: LoadedConfig): Record<string, string> {
  const { second } = config.judge
  // Results that were imported do not say who judged them.
  if (judge === null) return {}
  return {
    model: judge.model,
    address: judge.address,
    minMass: String(judge.minMass),
    maxAnswerTokens: String(judge.maxAnswerTokens),
    ...(second === undefined ? {} : { 'second model': second.model }),
  }
}
