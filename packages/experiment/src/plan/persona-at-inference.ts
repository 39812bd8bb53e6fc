import { CemError } from '@cem/core'
import type { LayerMode, LayerRequest } from '@cem/inference'
import type { PersonaOption } from '../config/schema.ts'
import type { Checkpoint, VariantFolder } from '../study/variant-folder.ts'
import type { Cell, PersonaMatch } from './cell.ts'

/** Ends the name of the cells without the persona where both states are asked for. */
export const personaOffSuffix = '@persona-off'

/** What a checkpoint's cells run beside the EM adapter. */
export interface PersonaState {
  /** '' or the suffix that tells two cells of one checkpoint apart. */
  readonly suffix: string
  readonly layers: readonly LayerRequest[]
  readonly persona: Cell['persona']
  readonly match: PersonaMatch
}

/**
 * The states of the persona that a checkpoint is run with.
 *
 * `as-trained` follows the checkpoint's own record. In the audit of the study that this tool replaces, a persona that was
 * inactive in training and on at inference looked like a gain of 16-24 points, so a state that differs is labelled MISMATCH, and
 * without a record nothing is assumed.
 *
 * @throws CemError `persona-unrecorded`, `persona-missing`
 */
export function personaStates(
  option: PersonaOption,
  folder: VariantFolder,
  checkpoint: Checkpoint | undefined,
  role: 'persona' | 'control' = 'persona',
): PersonaState[] {
  const record = checkpoint?.record ?? folder.checkpoints.find((c) => c.record)?.record
  const trained = record?.personaInTraining
  const { persona } = folder
  if (persona === undefined) {
    if (trained !== undefined && trained !== 'none') throw missing(folder)
    return [{ suffix: '', layers: [], persona: 'none', match: 'as-trained' }]
  }
  const state = (mode: LayerMode, suffix = ''): PersonaState => ({
    suffix,
    layers: [{ role, mode, adapter: persona, ...baseHash(record), ...adapterHash(record) }],
    persona: mode,
    match: matchOf(trained, mode),
  })
  // "On" is the way it was trained where that is known; adapters as PEFT stacks them otherwise.
  const active: LayerMode = trained === 'merged' ? 'merged' : 'stacked'
  switch (option) {
    case 'as-trained':
      if (trained === undefined) throw unrecorded(folder)
      return [trained === 'none' || trained === 'off' ? state('off') : state(trained)]
    case 'on':
      return [state(active)]
    case 'off':
      return [state('off')]
    case 'both':
      return [state(active, '@persona-on'), state('off', personaOffSuffix)]
    case 'source-faithful':
      // The Python scripts loaded the persona for step 0 and for no later checkpoint.
      return [checkpoint === undefined ? state('stacked') : state('off')]
  }
}

function matchOf(trained: string | undefined, mode: LayerMode): PersonaMatch {
  if (trained === undefined) return 'unrecorded'
  const wasActive = trained === 'merged' || trained === 'stacked'
  return wasActive === (mode !== 'off') ? 'as-trained' : 'MISMATCH'
}

export function baseHash(record: Checkpoint['record']): Pick<LayerRequest, 'baseSha256'> {
  return record?.baseSha256 === undefined ? {} : { baseSha256: record.baseSha256 }
}

/** The persona that the training was done with: another one in its folder is an error, not another result. */
function adapterHash(record: Checkpoint['record']): Pick<LayerRequest, 'adapterSha256'> {
  return record?.persona ? { adapterSha256: record.persona.sha256 } : {}
}

function unrecorded({ path }: VariantFolder): CemError {
  return new CemError({
    code: 'persona-unrecorded',
    message:
      `${path} has a persona adapter (constitutional/), and no record beside its checkpoints says whether the persona was active while they were trained. ` +
      'Say what to run with personaAtInference: on, off, both or source-faithful (for all variants, or for this one).',
    data: { path },
  })
}

function missing({ path }: VariantFolder): CemError {
  return new CemError({
    code: 'persona-missing',
    message: `The checkpoints in ${path} were trained with a persona active, says their record, but there is no adapter in constitutional/.`,
    data: { path },
  })
}
