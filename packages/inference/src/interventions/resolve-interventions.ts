import { CemError } from '@cem/core'
import type { InterventionStep, InterventionsSpec } from '../engine/messages.ts'
import type { Architecture } from '../families/architecture.ts'
import { directionSha256, normOf } from './direction.ts'
import type { Intervention, InterventionKind, InterventionPositions } from './intervention.ts'

/**
 * Interventions as the engine computes them: unit directions, each held once, and for every prompt or sequence its steps in
 * order. Null where there are none.
 *
 * @throws CemError `intervention-invalid`
 */
export function resolveInterventions(
  lists: readonly (readonly Intervention[])[],
  architecture: Architecture,
): InterventionsSpec | null {
  const checked = new Map<Intervention, Omit<InterventionStep, 'layer'>>()
  const known = new Map<string, number>()
  const directions: Float32Array[] = []
  const step = (intervention: Intervention, where: string) => {
    checkIntervention(intervention, where, architecture)
    const { direction, positions = 'all' } = intervention
    const norm = normOf(direction)
    const hash = directionSha256(direction)
    const index = known.get(hash) ?? directions.length
    if (index === directions.length) directions.push(direction.map((value) => value / norm))
    known.set(hash, index)
    return { direction: index, positions, ...terms(intervention, norm) }
  }
  const resolved = lists.map((list) =>
    list.flatMap((intervention, i) => {
      const made = checked.get(intervention) ?? step(intervention, `intervention ${i}`)
      checked.set(intervention, made)
      return intervention.layers.map((layer) => ({ layer, ...made }))
    }),
  )
  return directions.length === 0 ? null : { directions, lists: resolved }
}

/** The numbers of x += clip(offset + slope * (x . v), low, high) * v. */
function terms(intervention: Intervention, norm: number) {
  const [low, high] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]
  switch (intervention.kind) {
    case 'add': {
      const scale = intervention.normalize === false ? norm : 1
      return { offset: intervention.coefficient * scale, slope: 0, low, high }
    }
    case 'ablate':
      return { offset: 0, slope: -1, low, high }
    case 'mean-ablate':
      return { offset: intervention.mean, slope: -1, low, high }
    case 'cap':
      return intervention.side === 'above'
        ? { offset: intervention.limit, slope: -1, low, high: 0 }
        : { offset: intervention.limit, slope: -1, low: 0, high }
  }
}

const kinds: readonly InterventionKind[] = ['add', 'ablate', 'mean-ablate', 'cap']
const allPositions: readonly InterventionPositions[] = ['all', 'generated', 'prompt-end']

function checkIntervention(
  intervention: Intervention,
  where: string,
  { nLayers, dModel }: Architecture,
): void {
  const { kind, layers, direction, positions = 'all' } = intervention
  if (!kinds.includes(kind))
    throw invalid(`${where}: kind is '${kind}'; it must be one of ${kinds.join(', ')}`)
  const what = `${where} (${kind})`
  if (!Array.isArray(layers) || layers.length === 0)
    throw invalid(`${what}: layers must list at least one layer of 0 to ${nLayers - 1}`)
  for (const [i, layer] of layers.entries()) {
    if (!Number.isInteger(layer) || layer < 0 || layer >= nLayers)
      throw invalid(`${what}: layer ${layer} does not exist; the model has 0 to ${nLayers - 1}`)
    if (layers.indexOf(layer) !== i)
      throw invalid(`${what}: layer ${layer} is listed twice; list an intervention twice instead`)
  }
  if (!allPositions.includes(positions))
    throw invalid(
      `${what}: positions is '${positions}'; it must be one of ${allPositions.join(', ')}`,
    )
  checkDirection(direction, what, dModel)
  checkNumbers(intervention, what)
}

function checkDirection(direction: Float32Array, what: string, dModel: number): void {
  if (!(direction instanceof Float32Array))
    throw invalid(`${what}: direction must be a Float32Array of ${dModel} numbers`)
  if (direction.length !== dModel)
    throw invalid(
      `${what}: direction has shape [${direction.length}]; the model's states have shape [${dModel}]`,
    )
  const bad = direction.findIndex((value) => !Number.isFinite(value))
  if (bad !== -1) throw invalid(`${what}: direction[${bad}] is ${direction[bad]}`)
  if (normOf(direction) === 0)
    throw invalid(`${what}: direction is zero throughout, which points nowhere`)
}

function checkNumbers(intervention: Intervention, what: string): void {
  const { kind } = intervention
  if (kind === 'cap' && intervention.side !== 'above' && intervention.side !== 'below')
    throw invalid(`${what}: side is '${String(intervention.side)}'; it must be above or below`)
  const [name, value] =
    kind === 'add'
      ? ['coefficient', intervention.coefficient]
      : kind === 'mean-ablate'
        ? ['mean', intervention.mean]
        : kind === 'cap'
          ? ['limit', intervention.limit]
          : ['', 0]
  if (!Number.isFinite(Math.fround(value)))
    throw invalid(`${what}: ${name} is ${value}; it must be a finite 32-bit number`)
}

function invalid(reason: string): CemError {
  return new CemError({ code: 'intervention-invalid', message: `${reason}.` })
}
