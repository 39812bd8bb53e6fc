import { CemError } from '@cem/core'
import type { ActivationRows } from './activation-rows.ts'
import { contrastName } from './contrast.ts'
import { cosineSimilarity } from './cosine-similarity.ts'
import { checkLayer, type Direction } from './direction.ts'
import { meanOfRows } from './mean-activation.ts'
import { type PrincipalComponents, principalComponents } from './principal-components.ts'
import {
  type LeftOutRole,
  meanOfRoles,
  type RoleVector,
  type RoleVectorsOptions,
  roleVectors,
} from './role-vectors.ts'
import { dot, norm, shapeMismatch, subtract } from './vectors.ts'

export interface AssistantAxisOptions extends RoleVectorsOptions {
  /** Activations of the model's answers without a role. */
  readonly default: ActivationRows
  readonly layer: number
  /** The model, for the name. */
  readonly model: string
}

/** A role's place on the axis. */
export interface RolePlace {
  readonly role: string
  /** (role vector - default mean) . axis: 0 is the default assistant; more negative is further away. */
  readonly projectionFromDefault: number
}

export interface AssistantAxis {
  /** normalize(default mean - mean of the roles); positive = more like the assistant. `nWith` counts the default's rows. */
  readonly axis: Direction
  /** NaN rows (empty answers) of the default persona, left out. */
  readonly nDefaultSkipped: number
  readonly roles: readonly RoleVector[]
  readonly leftOut: readonly LeftOutRole[]
  /** By falling projection. */
  readonly places: readonly RolePlace[]
  /** PCA of the roles' vectors. Scores stand in the order of `roles`. */
  readonly components: PrincipalComponents
  /** Cosine of the axis with each component: near 1 or -1 for the first where the axis is the main way in which roles differ. */
  readonly cosineWithComponents: readonly number[]
}

/**
 * The assistant axis: the default persona's mean minus the mean of the roles' vectors (each role counts once; answers that the
 * judge found out of their role are left out), and the principal components of role space. C. Lu et al., "The assistant axis"
 * (arXiv 2601.10387).
 *
 * @throws CemError as `roleVectors`; `zero-direction` where the default's mean is that of the roles; `bad-option` for fewer than 2
 * roles, `no-variance` where all roles are equal
 */
export async function assistantAxis({
  default: defaultRows,
  layer,
  model,
  ...options
}: AssistantAxisOptions): Promise<AssistantAxis> {
  checkLayer(layer)
  const { roles, leftOut, minimumScore } = roleVectors(options)
  const ofDefault = meanOfRows("the default persona's activations", defaultRows)
  const ofRoles = meanOfRoles(roles)
  if (ofRoles.length !== defaultRows.dModel)
    throw shapeMismatch(
      `the default persona has dModel ${defaultRows.dModel}, the roles have ${ofRoles.length}`,
    )
  const displacement = subtract(ofDefault.mean, ofRoles)
  const length = norm(displacement)
  if (length === 0)
    throw new CemError({
      code: 'zero-direction',
      message: `The default persona's mean is that of the roles (layer ${layer}): there is no axis. Were the roles' system prompts used?`,
      data: { layer, nRoles: roles.length },
    })
  const vector = Float32Array.from(displacement, (value) => value / length)
  const components = await principalComponents(roles.map((role) => role.vector))
  const contrast = {
    kind: 'assistant-axis',
    model,
    criterion: `role score >= ${minimumScore}`,
  } as const
  const nRoleRows = roles.reduce((sum, { n }) => sum + n, 0)
  return {
    axis: {
      name: `${contrastName(contrast)}/layer-${layer}`,
      contrast,
      positive: 'more like the assistant',
      layer,
      method: { kind: 'assistant-axis' },
      vector,
      norm: length,
      displacementNorm: length,
      nWith: ofDefault.n,
      nWithout: nRoleRows,
      nRows: ofDefault.n + nRoleRows,
      skipped: [],
      questions: [],
      warnings: [],
    },
    nDefaultSkipped: ofDefault.nSkipped,
    roles,
    leftOut,
    places: roles
      .map((role) => ({
        role: role.role,
        projectionFromDefault: dot(subtract(role.vector, ofDefault.mean), vector),
      }))
      .toSorted((a, b) => b.projectionFromDefault - a.projectionFromDefault),
    components,
    cosineWithComponents: components.components.map((component) =>
      cosineSimilarity(vector, component.vector),
    ),
  }
}
