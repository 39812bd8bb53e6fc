import {
  type Adapter,
  type AdapterMatrices,
  type Base,
  type Composition,
  compose,
  effectiveChangeCosine,
  openBase,
  type Precision,
  readAdapterMatrices,
} from '@cem/inference'
import type { RunWarning } from '../events.ts'
import type { Cell } from '../plan/cell.ts'

export interface ComposeCellsOptions {
  readonly baseAliases: readonly string[]
  readonly precision: Precision
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
  { baseAliases, precision, cache, signal }: ComposeCellsOptions,
): Promise<Map<string, Composition>> {
  const bases = new Map<string, Base>()
  const compositions = new Map<string, Composition>()
  for (const cell of cells) {
    signal?.throwIfAborted()
    const base = bases.get(cell.base) ?? (await openBase(cell.base, { cache, baseAliases, signal }))
    bases.set(cell.base, base)
    compositions.set(
      cell.id,
      await compose({ base, layers: cell.layers, precision, cache, signal }),
    )
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
  const suspicious: { code: 'same-adapter' | 'same-change'; a: Placed; b: Placed }[] = []
  for (const group of groupByStep(cells, compositions).values()) {
    const matrices = new Map<string, AdapterMatrices>()
    const read = async (adapter: Adapter) => {
      const known = matrices.get(adapter.sha256) ?? (await readAdapterMatrices(adapter))
      matrices.set(adapter.sha256, known)
      return known
    }
    for (const [i, a] of group.entries())
      for (const b of group.slice(i + 1)) {
        // The same file under two cells (persona on and off) is meant.
        if (a.adapter.path === b.adapter.path) continue
        if (a.adapter.sha256 === b.adapter.sha256) suspicious.push({ code: 'same-adapter', a, b })
        else {
          const cosine = effectiveChangeCosine(await read(a.adapter), await read(b.adapter))
          if (cosine !== undefined && cosine > sameChange)
            suspicious.push({ code: 'same-change', a, b })
        }
      }
  }
  const pairs = Map.groupBy(
    suspicious,
    ({ code, a, b }) => `${code}:${a.cell.variant}:${b.cell.variant}`,
  )
  return Array.from(pairs.values(), (same) => {
    const [{ code, a, b }] = same as [(typeof same)[number]]
    const steps = same.map((pair) => pair.a.cell.step).join(', ')
    const names = `${a.cell.variant} and ${b.cell.variant}`
    return {
      code,
      message:
        code === 'same-adapter'
          ? `${names} have the SAME EM adapter, byte for byte, at step ${steps}: one of them is not what its name says.`
          : `The EM adapters of ${names} change the weights alike (cosine above ${sameChange}) at step ${steps}: were their personas active in training?`,
      cells: same.flatMap((pair) => [pair.a.cell.id, pair.b.cell.id]),
    }
  })
}

interface Placed {
  readonly cell: Cell
  readonly adapter: Adapter
}

function groupByStep(
  cells: readonly Cell[],
  compositions: ReadonlyMap<string, Composition>,
): Map<number, Placed[]> {
  const placed = cells.flatMap((cell): Placed[] => {
    const layer = compositions.get(cell.id)?.layers.find(({ role }) => role === 'em')
    return layer === undefined ? [] : [{ cell, adapter: layer.adapter }]
  })
  return Map.groupBy(placed, ({ cell }) => cell.step)
}
