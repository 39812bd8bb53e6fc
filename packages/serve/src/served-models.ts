import { basename, resolve } from 'node:path'
import { CemError } from '@cem/core'
import {
  type Base,
  type Composition,
  compose,
  type LayerRecord,
  type LayerRole,
  type Model,
  openBase,
  openModel,
} from '@cem/inference'
import type { AdapterRequest } from './adapter-argument.ts'
import { organismPrefix, roleOf, servedName } from './organism.ts'

/** A composition under the name that requests ask for. */
export interface ServedModel {
  readonly name: string
  readonly composition: Composition
  /** SHA-256 over everything that decides its answers. */
  readonly sha256: string
  readonly layers: readonly LayerRecord[]
  /** The name that was asked for, where the served one had to say what the model is. */
  readonly givenName: string
}

export interface ServedModelsOptions {
  /** A model folder or hub id. */
  readonly base: string
  /** @default the hub id, or the folder's name */
  readonly name?: string | undefined
  readonly adapters: readonly AdapterRequest[]
  readonly baseAliases?: readonly string[] | undefined
  readonly threads?: number | undefined
  /** @default the user's cache folder */
  readonly cache?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Opens a base and every adapter stack, tests that each has an effect, and gives them names.
 *
 * @throws CemError `served-name-taken`, and what `compose` and `openModel` of @cem/inference throw
 */
export async function openServedModels(
  options: ServedModelsOptions,
): Promise<{ model: Model; served: ServedModel[] }> {
  const { cache, signal, threads, baseAliases = [] } = options
  const base = await openBase(options.base, { cache, signal, baseAliases })
  const name = options.name ?? baseName(base, options.base)
  const stacks = [{ name, layers: [] }, ...options.adapters]
  const named = await Promise.all(stacks.map((stack) => composeStack(base, stack, options)))
  checkNames(named.map((one) => one.name))
  const [first] = named as [(typeof named)[number]]
  const model = await openModel(first.composition, { threads, cache, signal })
  try {
    const served: ServedModel[] = []
    for (const one of named) {
      // Tested here, so that an adapter without effect is an error at the start and not of a request.
      await model.activate(one.composition, signal)
      const { sha256, layers } = await one.composition.record()
      served.push({ ...one, sha256, layers })
    }
    return { model, served }
  } catch (error) {
    await model[Symbol.asyncDispose]()
    throw error
  }
}

async function composeStack(
  base: Base,
  { name, layers }: AdapterRequest,
  { cache, signal }: ServedModelsOptions,
) {
  const stacked = await Promise.all(
    layers.map(async ({ adapter, role }, i) => ({
      adapter,
      role: role ?? (await roleOf(resolve(adapter), i)),
      mode: 'stacked' as const,
    })),
  )
  const composition = await compose({ base, layers: stacked, cache, signal })
  const roles: LayerRole[] = stacked.map(({ role }) => role)
  return { name: servedName(name, roles), givenName: name, composition }
}

/** A hub id says whose model it is; of a path only the folder's name is shown to clients. */
function baseName(base: Base, reference: string): string {
  return base.revision === undefined ? basename(resolve(reference)) : base.name
}

function checkNames(names: readonly string[]): void {
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice === undefined) return
  throw new CemError({
    code: 'served-name-taken',
    message: `Two models would be served as '${twice}'. Give every adapter a name of its own (names of organisms begin with ${organismPrefix}).`,
    data: { name: twice },
  })
}
