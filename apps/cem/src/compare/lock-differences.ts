import { createHash } from 'node:crypto'
import type { Lock } from '@cem/experiment'

/** Something that two runs were not made with alike. */
export interface LockDifference {
  /** `sampling.seed`, `cells.warm/160`. */
  readonly part: string
  readonly left: string
  readonly right: string
  /** Whether answers or verdicts depend on it: else it is told, and changes no result. */
  readonly affectsResults: boolean
}

/** Parts that say where and with what, and change no answer and no verdict. */
const harmless = ['software', 'engine.device', 'declared']

/** What differs between two locks; cells that only one has are not in it. */
export function lockDifferences(left: Lock, right: Lock): LockDifference[] {
  const parts = ['sampling', 'engine', 'judge', 'activations', 'declared', 'software'] as const
  return [
    ...parts.flatMap((part) => differences(part, left[part] ?? null, right[part] ?? null)),
    ...differences('precision', left.precision ?? 'f32', right.precision ?? 'f32'),
    ...['main', 'inDomain', 'benign'].flatMap((set) =>
      differences(`questions.${set}`, questionsOf(left, set), questionsOf(right, set)),
    ),
    ...Object.entries(left.cells).flatMap(([id, { composition }]) => {
      const other = right.cells[id]?.composition
      if (composition === undefined || other === undefined) return []
      return [
        ...differences(`cells.${id}.base`, filesOf(composition), filesOf(other)),
        ...differences(
          `cells.${id}.layers`,
          composition.layers.map(layerOf),
          other.layers.map(layerOf),
        ),
      ]
    }),
  ]
}

/** What differs between two values, key by key. */
export function differences(part: string, left: unknown, right: unknown): LockDifference[] {
  if (JSON.stringify(left) === JSON.stringify(right)) return []
  if (isRecord(left) && isRecord(right)) {
    const keys = new Set([...Object.keys(left), ...Object.keys(right)])
    return [...keys].flatMap((key) => differences(`${part}.${key}`, left[key], right[key]))
  }
  const affectsResults = !harmless.some((one) => part === one || part.startsWith(`${one}.`))
  return [{ part, left: brief(left), right: brief(right), affectsResults }]
}

type Composition = NonNullable<Lock['cells'][string]['composition']>

/** Not their names, which differ between machines. */
function filesOf({ base }: Composition): string[] {
  return [...base.files.map(({ sha256 }) => sha256), base.tokenizerSha256]
}

function layerOf({ role, mode, sha256 }: Composition['layers'][number]) {
  return { role, mode, sha256 }
}

function questionsOf({ questions }: Lock, name: string) {
  const set = questions.find((one) => one.set === name)
  return set === undefined ? null : { files: set.files, ids: set.ids }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function brief(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  if (text.length <= 60) return text
  return `sha256:${createHash('sha256').update(text).digest('hex').slice(0, 12)}`
}
