import {
  type Adapter,
  type AdapterMatrices,
  type Composition,
  effectiveChangeCosine,
  readAdapterMatrices,
} from '@cem/inference'
import type { RunWarning } from '../events.ts'
import type { Cell } from '../plan/cell.ts'

/** Effective changes with a larger cosine are one adapter twice, as in the study where the persona was inactive (design). */
const sameChange = 0.9999

interface Placed {
  readonly adapter: Adapter
  /** SHA-256 of what stands in the persona's place; undefined where nothing does. */
  readonly persona: string | undefined
  readonly variant: string
  readonly step: number
  /** All cells that run it. */
  readonly cells: readonly string[]
}

interface Pair {
  readonly code: 'same-adapter' | 'same-change'
  readonly a: Placed
  readonly b: Placed
}

/**
 * EM adapters that are one adapter under two names: byte for byte, at whatever steps, or at the same step by what they change,
 * scale * B A, compared through r x r traces (raw A and B hardly leave their initialisation). One folder that several cells name is
 * meant.
 */
export async function sameAdapterAlarms(
  cells: readonly Cell[],
  compositions: ReadonlyMap<string, Composition>,
): Promise<RunWarning[]> {
  const placed = placedAdapters(cells, compositions)
  const pairs = placed.flatMap((a, i): Pair[] =>
    placed
      .slice(i + 1)
      .filter((b) => a.adapter.sha256 === b.adapter.sha256)
      .map((b) => ({ code: 'same-adapter', a, b })),
  )
  for (const group of Map.groupBy(placed, ({ step }) => step).values())
    pairs.push(...(await similarPairs(group)))
  const named = Map.groupBy(pairs, ({ code, a, b }) => `${code}:${a.variant}:${b.variant}`)
  return [...named.values()].map(describe)
}

async function similarPairs(group: readonly Placed[]): Promise<Pair[]> {
  const matrices = new Map<string, AdapterMatrices>()
  const read = async (adapter: Adapter) => {
    const known = matrices.get(adapter.sha256) ?? (await readAdapterMatrices(adapter))
    matrices.set(adapter.sha256, known)
    return known
  }
  const pairs: Pair[] = []
  for (const [i, a] of group.entries())
    for (const b of group.slice(i + 1)) {
      if (a.variant === b.variant || a.adapter.sha256 === b.adapter.sha256) continue
      const cosine = effectiveChangeCosine(await read(a.adapter), await read(b.adapter))
      if (cosine !== undefined && cosine > sameChange) pairs.push({ code: 'same-change', a, b })
    }
  return pairs
}

/** Each EM adapter once, by its folder. */
function placedAdapters(
  cells: readonly Cell[],
  compositions: ReadonlyMap<string, Composition>,
): Placed[] {
  const placed = new Map<string, Placed>()
  for (const { id, variant, step } of cells) {
    const layers = compositions.get(id)?.layers ?? []
    const adapter = layers.find(({ role }) => role === 'em')?.adapter
    const persona = layers.find(({ role }) => role !== 'em')?.adapter.sha256
    if (adapter === undefined) continue
    const known = placed.get(adapter.path)
    const first = known ?? { adapter, persona, variant, step, cells: [] }
    placed.set(adapter.path, { ...first, cells: [...first.cells, id] })
  }
  return [...placed.values()]
}

function describe(pairs: readonly Pair[]): RunWarning {
  const [{ code, a, b }] = pairs as [Pair]
  const cells = [...new Set(pairs.flatMap((pair) => [...pair.a.cells, ...pair.b.cells]))]
  const steps = pairs.map((p) => (p.a.step === p.b.step ? p.a.step : `${p.a.step}/${p.b.step}`))
  const at = `at step ${[...new Set(steps)].join(', ')}`
  const names = `${a.variant} and ${b.variant}`
  if (a.variant === b.variant)
    return {
      code,
      message: `${a.variant} has the SAME EM adapter, byte for byte, ${at}: one checkpoint was copied over another.`,
      cells,
    }
  return {
    code,
    message:
      code === 'same-adapter'
        ? `${names} have the SAME EM adapter, byte for byte, ${at}: one of them is not what its name says.`
        : `The EM adapters of ${names} change the weights alike (cosine above ${sameChange}) ${at}: ${samePersona(a, b) ? 'they have the same persona, so that this is one training twice' : 'were their personas active in training?'}`,
    cells,
  }
}

function samePersona(a: Placed, b: Placed): boolean {
  return a.persona !== undefined && a.persona === b.persona
}
