import {
  fingerprintOf,
  type SessionRecord,
  type SessionVerdict,
  servedModelOf,
  sessionOf,
  sessionsOf,
  unknown,
} from './sessions.ts'

export interface CompareSessionsOptions {
  /**
   * The largest part of two cells' verdicts that may come from different sessions or fingerprints without a warning, in [0, 1].
   * Interleaved cells that a crash cut in two differ a little by chance. @default 0.1
   */
  readonly tolerance?: number
}

export interface SessionWarning {
  readonly code:
    | 'different-judges'
    | 'different-protocols'
    | 'different-snapshots'
    | 'different-sessions'
    | 'different-fingerprints'
    | 'unknown-session'
    | 'unknown-fingerprint'
  /** A sentence for people. */
  readonly message: string
  /** The cells that it is about: two that differ most, or all where something is unknown. */
  readonly cells: readonly string[]
  /** The part of the two cells' verdicts that does not overlap, or the part that is unknown, in [0, 1]. */
  readonly share: number
}

export interface SessionComparison {
  readonly sessions: readonly SessionRecord[]
  /** For each cell, the share of its verdicts from each session. */
  readonly sharesByCell: Readonly<Record<string, Readonly<Record<string, number>>>>
  /** Cells without a verdict, which could not be compared. */
  readonly emptyCells: readonly string[]
  readonly warnings: readonly SessionWarning[]
}

interface Aspect {
  readonly code: SessionWarning['code']
  readonly of: (verdict: SessionVerdict) => string
  readonly what: string
}

const aspects: readonly Aspect[] = [
  { code: 'different-judges', of: ({ judgeModel }) => judgeModel, what: 'judge models' },
  { code: 'different-protocols', of: ({ protocolHash }) => protocolHash, what: 'protocols' },
  { code: 'different-snapshots', of: servedModelOf, what: 'snapshots of the judge' },
  { code: 'different-sessions', of: sessionOf, what: 'judge sessions' },
  { code: 'different-fingerprints', of: fingerprintOf, what: 'server fingerprints' },
]

/** Judge and protocol are chosen, not met with: a single verdict by another is one too many. */
const strict: ReadonlySet<string> = new Set(['different-judges', 'different-protocols'])

/**
 * Whether cells that are to be compared were judged alike: a judge changes between sessions, and silently behind one name. Cells
 * are compared two by two by the total variation distance of their shares, and the pair that differs most is named.
 */
export function compareSessions(
  verdictsByCell: Readonly<Record<string, readonly SessionVerdict[]>>,
  { tolerance = 0.1 }: CompareSessionsOptions = {},
): SessionComparison {
  const entries = Object.entries(verdictsByCell)
  const cells = entries.filter(([, verdicts]) => verdicts.length > 0)
  const all = cells.flatMap(([, verdicts]) => verdicts)
  return {
    sessions: sessionsOf(all),
    sharesByCell: Object.fromEntries(
      cells.map(([cell, verdicts]) => [cell, Object.fromEntries(sharesOf(verdicts, sessionOf))]),
    ),
    emptyCells: entries.flatMap(([cell, verdicts]) => (verdicts.length === 0 ? [cell] : [])),
    warnings: [
      ...aspects.flatMap((aspect) => difference(cells, aspect, tolerance)),
      ...absence(cells, 'unknown-session', sessionOf, 'no session: they come from an older ledger'),
      ...absence(
        cells,
        'unknown-fingerprint',
        fingerprintOf,
        'no fingerprint: the server sent none',
      ),
    ],
  }
}

type Cells = readonly (readonly [string, readonly SessionVerdict[]])[]

function difference(cells: Cells, { code, of, what }: Aspect, tolerance: number): SessionWarning[] {
  const shares = cells.map(([cell, verdicts]) => ({ cell, shares: sharesOf(verdicts, of) }))
  let worst = { share: 0, pair: ['', ''] }
  for (const [i, one] of shares.entries())
    for (const other of shares.slice(i + 1)) {
      const share = variationDistance(one.shares, other.shares)
      if (share > worst.share) worst = { share, pair: [one.cell, other.cell] }
    }
  const { share, pair } = worst
  if (share <= (strict.has(code) ? 0 : tolerance)) return []
  const message = `The cells ${pair.join(' and ')} come from different ${what}: ${percent(share)} of their verdicts do not overlap. A difference between them may be the judge's.`
  return [{ code, message, cells: pair, share }]
}

function absence(
  cells: Cells,
  code: SessionWarning['code'],
  of: (verdict: SessionVerdict) => string,
  why: string,
): SessionWarning[] {
  const hit = cells.filter(([, verdicts]) => verdicts.some((one) => of(one) === unknown))
  const all = cells.flatMap(([, verdicts]) => verdicts)
  const share = all.filter((one) => of(one) === unknown).length / all.length
  if (hit.length === 0) return []
  const message = `${percent(share)} of the verdicts have ${why}. Whether the judge stayed the same cannot be told from them.`
  return [{ code, message, cells: hit.map(([cell]) => cell), share }]
}

function sharesOf(
  verdicts: readonly SessionVerdict[],
  of: (verdict: SessionVerdict) => string,
): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const verdict of verdicts) counts.set(of(verdict), (counts.get(of(verdict)) ?? 0) + 1)
  return new Map([...counts].map(([name, count]) => [name, count / verdicts.length]))
}

/** Half the sum of |p - q|: 0 for equal shares, 1 for shares without overlap. */
function variationDistance(
  one: ReadonlyMap<string, number>,
  other: ReadonlyMap<string, number>,
): number {
  const names = new Set([...one.keys(), ...other.keys()])
  const differences = [...names].map((name) =>
    Math.abs((one.get(name) ?? 0) - (other.get(name) ?? 0)),
  )
  return differences.reduce((total, part) => total + part, 0) / 2
}

function percent(share: number): string {
  return `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`
}
