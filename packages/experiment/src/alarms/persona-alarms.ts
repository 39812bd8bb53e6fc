import type { RunWarning } from '../events.ts'
import type { Cell } from '../plan/cell.ts'
import { personaOffSuffix } from '../plan/persona-at-inference.ts'

/** What the plan says about personas: not as in training, not recorded, inactive in training, or not the same all along. */
export function personaAlarms(cells: readonly Cell[]): RunWarning[] {
  return [
    ...mismatched(cells),
    ...unrecorded(cells),
    ...inactiveInTraining(cells),
    ...changesMidway(cells),
    ...stepZeroIsBase(cells),
    ...unverified(cells),
  ]
}

function mismatched(cells: readonly Cell[]): RunWarning[] {
  const found = cells.filter((cell) => cell.match === 'MISMATCH').map((cell) => cell.id)
  return alarm(
    'persona-mismatch',
    found,
    `MISMATCH: in ${found.length} cells the persona is not in the state that it had in training. They say nothing about protection.`,
  )
}

function unrecorded(cells: readonly Cell[]): RunWarning[] {
  const found = cells.filter((cell) => cell.match === 'unrecorded').map((cell) => cell.id)
  return alarm(
    'persona-unrecorded',
    found,
    `For ${found.length} cells nothing says whether the persona was active in training; the config decided what runs.`,
  )
}

/**
 * A persona adapter lies beside checkpoints that were trained without it. The study that this tool replaces took such a persona,
 * on at inference alone, for a gain of 16-24 points.
 */
function inactiveInTraining(cells: readonly Cell[]): RunWarning[] {
  const found = cells.filter((cell) => cell.step > 0 && wasInactive(cell))
  const variants = byVariant(found).map(([variant]) => variant)
  return alarm(
    'persona-inactive-in-training',
    found.map((cell) => cell.id),
    `A persona adapter goes with ${variants.join(', ')}, and the record beside the checkpoints says that it was inactive while they were trained: they are not checkpoints of a persona, whatever runs beside them now.`,
  )
}

function wasInactive({ persona, match }: Cell): boolean {
  if (persona === 'none' || match === 'unrecorded') return false
  return (persona === 'off') === (match === 'as-trained')
}

/** A curve that begins with a persona and goes on without it compares two models, as the Python scripts did. */
function changesMidway(cells: readonly Cell[]): RunWarning[] {
  return byVariant(cells).flatMap(([variant, own]) => {
    const active = own.filter(isPersonaActive).map((cell) => cell.step)
    const inactive = own.filter((cell) => !isPersonaActive(cell)).map((cell) => cell.step)
    if (active.length === 0 || inactive.length === 0) return []
    return alarm(
      'persona-changes-midway',
      own.map((cell) => cell.id),
      `${variant} runs with its persona at step ${active.join(', ')} and without it at step ${inactive.join(', ')}: its curve is of two models.`,
    )
  })
}

/** Step 0 of a variant that claims a persona runs the base alone. */
function stepZeroIsBase(cells: readonly Cell[]): RunWarning[] {
  const found = cells.filter(
    (cell) => cell.step === 0 && claimsPersona(cell, cells) && !isPersonaActive(cell),
  )
  return byVariant(found).flatMap(([variant, own]) =>
    alarm(
      'step-zero-is-base',
      own.map((cell) => cell.id),
      `${variant} claims a persona, and its step 0 is the base alone: no persona is loaded.`,
    ),
  )
}

/** By an adapter, or by its type where it runs on the base that other variants run on plainly. */
export function claimsPersona(cell: Cell, cells: readonly Cell[]): boolean {
  if (cell.kind === 'base' || cell.variant.endsWith(personaOffSuffix)) return false
  if (cell.persona !== 'none') return true
  const isShared = (other: Cell) => other.type !== 'character' && other.base === cell.base
  return cell.type === 'character' && cells.some(isShared)
}

/** A persona that is active, and of which nothing but its place says that it is the one of the training. */
function unverified(cells: readonly Cell[]): RunWarning[] {
  const found = cells.filter(
    ({ step, match, layers }) =>
      step > 0 &&
      match === 'as-trained' &&
      layers.some(
        ({ role, mode, adapterSha256 }) =>
          role === 'persona' && mode !== 'off' && adapterSha256 === undefined,
      ),
  )
  const variants = byVariant(found).map(([variant]) => variant)
  return alarm(
    'persona-unverified',
    found.map(({ id }) => id),
    `Persona unverified: no hash says that the persona of ${variants.join(', ')} is the one that was active in training, only its folder or the config.`,
  )
}

export function isPersonaActive({ persona }: Pick<Cell, 'persona'>): boolean {
  return persona === 'merged' || persona === 'stacked'
}

export function byVariant(cells: readonly Cell[]): [string, Cell[]][] {
  return [...Map.groupBy(cells, (cell) => cell.variant)]
}

function alarm(
  code: RunWarning['code'],
  cells: readonly string[],
  message: string,
): [] | [RunWarning] {
  return cells.length === 0 ? [] : [{ code, message, cells }]
}
