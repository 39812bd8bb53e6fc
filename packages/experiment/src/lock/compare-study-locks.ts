import { type LockKind, lockKinds, type StudyLock } from './study-lock.ts'

/** Something that is not as it was locked. */
export interface Moved {
  readonly kind: LockKind
  /** A file, an adapter, a cell, a setting, a package. */
  readonly name: string
  /** Null: it was not there. */
  readonly locked: string | null
  /** Null: it is not there any more. */
  readonly found: string | null
}

/**
 * What moved between two locks, by kind and name. A kind that one of the two could not see is not compared; nor is what a judge
 * said of itself where only one of them has asked it.
 */
export function compareStudyLocks(locked: StudyLock, found: StudyLock): Moved[] {
  return lockKinds.flatMap((kind) => {
    const [before, now] = [locked.parts[kind], found.parts[kind]]
    if (before === undefined || now === undefined) return []
    const names = [...new Set([...Object.keys(before), ...Object.keys(now)])].toSorted()
    return names
      .map((name) => ({ kind, name, locked: before[name] ?? null, found: now[name] ?? null }))
      .filter((moved) => moved.locked !== moved.found && !isUnasked(moved))
  })
}

/** What the judge's server calls the model that answers: known where it was asked. */
export const servedModelPart = 'served model'

/** Whether a lock holds what the judge said of itself. */
export function judgeWasAsked({ parts }: StudyLock): boolean {
  return parts.judge !== undefined && servedModelPart in parts.judge
}

function isUnasked({ kind, name, locked, found }: Moved): boolean {
  return kind === 'judge' && name === servedModelPart && (locked === null || found === null)
}

/** Kinds whose change shows in the hash of every cell that it is in. */
const inCells: ReadonlySet<LockKind> = new Set(['weights', 'tokenizers', 'adapters'])

/** A line for each thing that moved. Cells that only follow from files above them share one. */
export function movedLines(moved: readonly Moved[]): string[] {
  const isExplained = moved.some(({ kind }) => inCells.has(kind))
  const follows = (one: Moved) =>
    isExplained && one.kind === 'cells' && one.locked !== null && one.found !== null
  const followers = moved.filter(follows).map(({ name }) => name)
  return [
    ...moved.filter((one) => !follows(one)).map(line),
    ...(followers.length === 0
      ? []
      : [
          `cells that have changed with them: ${followers.slice(0, 6).join(', ')}${followers.length > 6 ? ` and ${followers.length - 6} more` : ''}`,
        ]),
  ]
}

function line({ kind, name, locked, found }: Moved): string {
  if (locked === null) return `${kind}: ${name} is new (${brief(found)})`
  if (found === null) return `${kind}: ${name} is not there any more (was ${brief(locked)})`
  return `${kind}: ${name} was ${brief(locked)}, is ${brief(found)}`
}

/** Hashes as far as a reader compares them. */
function brief(value: string | null): string {
  const text = (value ?? '').replaceAll(/\b([0-9a-f]{12})[0-9a-f]{52}\b/g, '$1')
  return text.length <= 80 ? text : `${text.slice(0, 77)}...`
}
