import { CemError } from '@cem/core'
import { checkWhole } from '../options.ts'
import { type ActivationRows, countRows, isEmptyRow } from './activation-rows.ts'
import { addRow } from './sample.ts'
import { shapeMismatch } from './vectors.ts'

/** Activations of the answers that a model gave in one role. */
export interface RoleRows extends ActivationRows {
  readonly role: string
  /** The judge's score of role adherence for every row, shape [nResponses]; null where it gave none. */
  readonly scores: readonly (number | null)[]
}

export interface RoleVectorsOptions {
  readonly roles: readonly RoleRows[]
  /** Rows below this score are left out, and rows without a score. On a scale 0-3, 3 is fully in the role. @default 3 */
  readonly minimumScore?: number
  /** Roles with fewer rows at that score are left out. @default 1 */
  readonly minimumRows?: number
}

export interface RoleVector {
  readonly role: string
  /** Mean of the rows that are in the role, shape [dModel]. */
  readonly vector: Float64Array
  readonly n: number
  /** Rows below the minimum score. */
  readonly nBelow: number
  /** Rows without a score. */
  readonly nUnscored: number
  /** NaN rows (empty answers). */
  readonly nSkipped: number
}

export interface LeftOutRole extends Omit<RoleVector, 'vector'> {
  readonly reason: string
}

export interface RoleVectors {
  readonly roles: readonly RoleVector[]
  readonly leftOut: readonly LeftOutRole[]
  readonly minimumScore: number
}

/**
 * One mean vector per role, over the answers that the judge found to be in the role. Roles without enough of them are told,
 * with the reason.
 *
 * @throws CemError `no-rows` where no role is left, `duplicate-name`, `shape-mismatch`, `bad-row`, `bad-option`, `partial-nan`,
 * `not-finite`
 */
export function roleVectors({
  roles,
  minimumScore = 3,
  minimumRows = 1,
}: RoleVectorsOptions): RoleVectors {
  checkWhole('minimumRows', minimumRows, 1)
  checkRoles(roles)
  const kept: RoleVector[] = []
  const leftOut: LeftOutRole[] = []
  for (const role of roles) {
    const { sum, ...counts } = tally(role, minimumScore)
    if (counts.n >= minimumRows) kept.push({ ...counts, vector: sum.map((v) => v / counts.n) })
    else
      leftOut.push({
        ...counts,
        reason: `${counts.n} rows with a score of at least ${minimumScore}, ${minimumRows} are needed`,
      })
  }
  if (kept.length === 0)
    throw new CemError({
      code: 'no-rows',
      message: `None of ${roles.length} roles has ${minimumRows} rows with a score of at least ${minimumScore}. Lower minimumScore, or check the judge's scores.`,
      data: { nRoles: roles.length, minimumScore, minimumRows },
    })
  return { roles: kept, leftOut, minimumScore }
}

function tally({ role, rows, dModel, scores }: RoleRows, minimumScore: number) {
  const name = `role ${JSON.stringify(role)}`
  const sum = new Float64Array(dModel)
  const counts = { role, n: 0, nBelow: 0, nUnscored: 0, nSkipped: 0 }
  for (const [row, score] of scores.entries()) {
    if (isEmptyRow(name, rows, dModel, row)) counts.nSkipped++
    else if (score === null) counts.nUnscored++
    else if (score < minimumScore) counts.nBelow++
    else {
      counts.n++
      for (let i = 0; i < dModel; i++)
        sum[i] = (sum[i] as number) + (rows[row * dModel + i] as number)
    }
  }
  return { ...counts, sum }
}

function checkRoles(roles: readonly RoleRows[]): void {
  const names = new Set<string>()
  const dModel = roles[0]?.dModel
  for (const { role, rows, dModel: own, scores } of roles) {
    if (names.has(role))
      throw new CemError({
        code: 'duplicate-name',
        message: `Two roles are named ${JSON.stringify(role)}; put their rows together.`,
        data: { name: role },
      })
    names.add(role)
    const name = `role ${JSON.stringify(role)}`
    const nRows = countRows(name, rows, own)
    if (own !== dModel) throw shapeMismatch(`${name} has dModel ${own}, the first has ${dModel}`)
    if (scores.length !== nRows)
      throw new CemError({
        code: 'shape-mismatch',
        message: `${name} has ${nRows} rows and ${scores.length} scores; give null for a row without one.`,
        data: { role, nRows, nScores: scores.length },
      })
    const index = scores.findIndex((score) => score !== null && !Number.isFinite(score))
    if (index >= 0)
      throw new CemError({
        code: 'bad-row',
        message: `Score ${index} of ${name} is ${scores[index]}; it must be a finite number, or null where the judge gave none.`,
        data: { role, index, value: scores[index] },
      })
  }
}

/** Mean of the roles' vectors: every role counts once. Shape [dModel]. */
export function meanOfRoles(roles: readonly RoleVector[]): Float64Array {
  const mean = new Float64Array(roles[0]?.vector.length ?? 0)
  for (const { vector } of roles) addRow(mean, vector, 0, 1 / roles.length)
  return mean
}
