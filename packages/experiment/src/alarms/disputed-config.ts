import { basename, dirname } from 'node:path'
import type { Composition, CompositionLayer } from '@cem/inference'
import type { RunWarning } from '../events.ts'
import type { Cell } from '../plan/cell.ts'
import { readTrainingMetadata, type TrainingMetadata } from '../study/training-metadata.ts'

type Finding = Pick<RunWarning, 'code' | 'message'>

/**
 * Adapters whose `adapter_config.json` says something else than the metadata that their training left: an rsLoRA flag that got lost
 * (the scale is then alpha / r where it was alpha / sqrt(r): Kalajdzievski, arXiv 2312.03732), another rank or alpha, and another
 * base where nothing else says which base it was. A file may tell of several adapters: a setting is disputed where none of its
 * values fits.
 */
export async function disputedConfigAlarms(
  cells: readonly Cell[],
  compositions: ReadonlyMap<string, Composition>,
): Promise<RunWarning[]> {
  const cellsOf = new Map<string, { finding: Finding; cells: string[] }>()
  const known = new Map<string, readonly Finding[]>()
  for (const { id } of cells)
    for (const layer of compositions.get(id)?.layers ?? []) {
      const { path } = layer.adapter
      const findings =
        known.get(path) ?? (await findingsOf(layer, compositions.get(id) as Composition))
      known.set(path, findings)
      for (const finding of findings) {
        const key = `${finding.code}|${finding.message}`
        const entry = cellsOf.get(key) ?? { finding, cells: [] }
        cellsOf.set(key, { finding, cells: [...entry.cells, id] })
      }
    }
  return Array.from(cellsOf.values(), ({ finding, cells: own }) => ({ ...finding, cells: own }))
}

async function findingsOf(layer: CompositionLayer, composition: Composition): Promise<Finding[]> {
  const { found, unreadable } = await readTrainingMetadata(foldersOf(layer))
  const notes = unreadable.map(
    (reason): Finding => ({
      code: 'metadata-unreadable',
      message: `What the training left cannot be read, so it was not held against the adapter: ${reason}.`,
    }),
  )
  return [...found.flatMap((metadata) => dispute(layer, metadata, composition)), ...notes]
}

/** A persona's own folder; for an EM adapter also the variant's, where the metadata of the whole training lies. */
function foldersOf({ role, adapter: { path } }: CompositionLayer): string[] {
  if (role !== 'em') return [path]
  const isNested = basename(dirname(path)) === 'em' || basename(path) === 'em'
  const parent = dirname(path)
  return isNested ? [path, parent, dirname(parent), dirname(dirname(parent))] : [path, parent]
}

function dispute(
  { adapter, baseCheck }: CompositionLayer,
  { file, rsLora, ranks, alphas, bases }: TrainingMetadata,
  { base }: Composition,
): Finding[] {
  const { r, lora_alpha: alpha, use_rslora: isRsLora } = adapter.config
  const findings: Finding[] = []
  if (!isRsLora && rsLora.includes(true) && !rsLora.includes(false))
    findings.push({
      code: 'rslora-lost',
      message: `${file} says rsLoRA, and adapter_config.json of ${adapter.path} does not: it runs at scale ${number(alpha / r)}, and was trained at ${number(alpha / Math.sqrt(r))} if the metadata is right. Set use_rslora in adapter_config.json, or correct the metadata.`,
    })
  if (isRsLora && rsLora.includes(false) && !rsLora.includes(true))
    findings.push(disputed(file, adapter.path, 'use_rslora', 'true', 'false'))
  if (ranks.length > 0 && !ranks.includes(r))
    findings.push(disputed(file, adapter.path, 'r', r, ranks.join(' or ')))
  if (alphas.length > 0 && !alphas.includes(alpha))
    findings.push(disputed(file, adapter.path, 'lora_alpha', alpha, alphas.join(' or ')))
  const names = [...base.knownNames, ...base.aliases]
  if (baseCheck === 'unverified' && bases.length > 0 && !bases.some((name) => names.includes(name)))
    findings.push({
      code: 'base-disputed',
      message: `${file} names the base ${bases.join(' or ')}; the adapter ${adapter.path} names none and runs on ${base.name}. If they are the same model, list that name in baseAliases.`,
    })
  return findings
}

function disputed(
  file: string,
  path: string,
  key: string,
  ours: string | number,
  theirs: string,
): Finding {
  return {
    code: 'lora-config-disputed',
    message: `${key} is ${ours} in adapter_config.json of ${path}, which is what runs, and ${theirs} in ${file}. One of the two is not of this training.`,
  }
}

function number(value: number): string {
  return String(Number(value.toPrecision(3)))
}
