import {
  type Adapter,
  type AdapterMatrices,
  type Base,
  type Composition,
  compose,
  effectiveChangeCosine,
  openBase,
  readAdapterMatrices,
} from '@cem/inference'
import type { RunWarning } from '../events.ts'
import type { Cell } from '../plan/cell.ts'

export interface ComposeCellsOptions {
  readonly baseAliases: readonly string[]
  /** Where hashes and merged weights are kept. */
  readonly cache?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Opens every cell's base and adapters and checks that they fit, before anything runs.
 *
 * @throws CemError those of `compose`
 */
export async function composeCells(
  cells: readonly Cell[],
  { baseAliases, cache, signal }: ComposeCellsOptions,
): Promise<Map<string, Composition>> {
  const bases = new Map<string, Base>()
  const compositions = new Map<string, Composition>()
  for (const cell of cells) {
    signal?.throwIfAborted()
    const base = bases.get(cell.base) ?? (await openBase(cell.base, { cache, baseAliases, signal }))
    bases.set(cell.base, base)
    compositions.set(cell.id, await compose({ base, layers: cell.layers, cache, signal }))
  }
  return compositions
}

/** Effective changes with a larger cosine are one adapter twice, as in the study where the persona was inactive (design). */
const sameChange = 0.9999

/** What is suspicious about the compositions as such: mismatches, unverified bases, one adapter under two names. */
export async function compositionWarnings(
  cells: readonly Cell[],
  compositions: ReadonlyMap<string, Composition>,
): Promise<RunWarning[]> {
  return [
    ...personaWarnings(cells),
    ...baseWarnings(cells, compositions),
    ...(await sameAdapterWarnings(cells, compositions)),
  ]
}

function personaWarnings(cells: readonly Cell[]): RunWarning[] {
  const warnings: RunWarning[] = []
  const mismatched = cells.filter((cell) => cell.match === 'MISMATCH').map((cell) => cell.id)
  if (mismatched.length > 0)
    warnings.push({
      code: 'persona-mismatch',
      message: `MISMATCH: in ${mismatched.length} cells the persona is not in the state that it had in training. They say nothing about protection.`,
      cells: mismatched,
    })
  const unrecorded = cells.filter((cell) => cell.match === 'unrecorded').map((cell) => cell.id)
  if (unrecorded.length > 0)
    warnings.push({
      code: 'persona-unrecorded',
      message: `For ${unrecorded.length} cells nothing says whether the persona was active in training; the config decided what runs.`,
      cells: unrecorded,
    })
  return warnings
}

function baseWarnings(
  cells: readonly Cell[],
  compositions: ReadonlyMap<string, Composition>,
): RunWarning[] {
  const unverified = cells.filter((cell) =>
    compositions.get(cell.id)?.layers.some((layer) => layer.baseCheck !== 'hash'),
  )
  if (unverified.length === 0) return []
  return [
    {
      code: 'base-unverified',
      message: `Base unverified: in ${unverified.length} cells no hash says that the adapters were trained on this base, only its name, if that.`,
      cells: unverified.map((cell) => cell.id),
    },
  ]
}

/** Compares the EM adapters of different variants at the same step. */
async function sameAdapterWarnings(
  cells: readonly Cell[],
  compositions: ReadonlyMap<string, Composition>,
): Promise<RunWarning[]> {
  const warnings: RunWarning[] = []
  const matrices = new Map<string, AdapterMatrices>()
  const read = async (adapter: Adapter) => {
    const known = matrices.get(adapter.sha256) ?? (await readAdapterMatrices(adapter))
    matrices.set(adapter.sha256, known)
    return known
  }
  for (const [step, group] of groupByStep(cells, compositions)) {
    matrices.clear()
    for (const [i, a] of group.entries())
      for (const b of group.slice(i + 1)) {
        if (a.path === b.path) continue
        const pair = [a.cell, b.cell]
        if (a.adapter.sha256 === b.adapter.sha256) {
          warnings.push({
            code: 'same-adapter',
            message: `${pair.join(' and ')} have the SAME EM adapter, byte for byte: one of them is not what its name says.`,
            cells: pair,
          })
          continue
        }
        const cosine = effectiveChangeCosine(await read(a.adapter), await read(b.adapter))
        if (cosine !== undefined && cosine > sameChange)
          warnings.push({
            code: 'same-change',
            message: `The EM adapters of ${pair.join(' and ')} change the weights alike (cosine ${cosine.toFixed(6)} at step ${step}): were their personas active in training?`,
            cells: pair,
          })
      }
  }
  return warnings
}

function groupByStep(cells: readonly Cell[], compositions: ReadonlyMap<string, Composition>) {
  const groups = new Map<number, { cell: string; path: string; adapter: Adapter }[]>()
  for (const cell of cells) {
    const layer = compositions.get(cell.id)?.layers.find((l) => l.role === 'em')
    if (layer === undefined) continue
    const group = groups.get(cell.step) ?? []
    group.push({ cell: cell.id, path: layer.adapter.path, adapter: layer.adapter })
    groups.set(cell.step, group)
  }
  return groups
}
