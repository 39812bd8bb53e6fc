import { CemError } from '@cem/core'
import { baselineVariant } from '../analysis/contrasts.ts'
import type { CausalConfig, ExperimentConfig } from '../config/schema.ts'
import type { Cell } from '../plan/cell.ts'
import type { CausalSpec } from './causal-spec.ts'

type Change = Pick<CausalSpec, 'action' | 'strength' | 'steerAt'>

/**
 * The cells of the causal checks: steering of the model without EM, ablation and capping of the one with it, and the same along
 * random directions. They answer the same questions with the same noise as the cell that they change.
 *
 * @param cells the other cells of the plan
 * @throws CemError `causal-without-checkpoint`, `causal-without-questions`, `causal-without-activations`
 */
export function planCausalCells(config: ExperimentConfig, cells: readonly Cell[]): Cell[] {
  const { causal } = config
  if (causal === false) return []
  if (causal.position === 'answers' && config.activations === false)
    throw new CemError({
      code: 'causal-without-activations',
      message:
        'causal.position is answers, whose means are kept by activations, and activations is false. Set activations: {}, or causal.position: prompt-end.',
    })
  const pair = pairOf(config, causal, cells)
  const questions = questionsOf(config, causal)
  const steerAt = causal.steerAt ?? (causal.position === 'prompt-end' ? 'prompt-end' : 'everywhere')
  const changes: Change[] = [
    ...causal.steer.map((strength): Change => ({ action: 'steer', strength, steerAt })),
    ...causal.floor.map((strength): Change => ({ action: 'floor', strength })),
    ...(causal.ablate ? [{ action: 'ablate', strength: null } as const] : []),
    ...causal.cap.map((strength): Change => ({ action: 'cap', strength })),
  ]
  const draws = Array.from({ length: causal.controls }, (_, i) => i + 1)
  return changes.flatMap((change) =>
    [null, ...draws].map((draw) => {
      const isOnBase = change.action === 'steer' || change.action === 'floor'
      const target = isOnBase ? pair.without : pair.with
      return causalCell(target, {
        ...change,
        direction: draw === null ? 'contrast' : 'random',
        draw,
        target: target.id,
        without: pair.without.id,
        with: pair.with.id,
        position: causal.position,
        questions,
        layer: causal.layer ?? config.direction.layer ?? null,
      })
    }),
  )
}

function causalCell(target: Cell, causal: CausalSpec): Cell {
  const { action, strength, draw } = causal
  const name = [
    action,
    ...(strength === null ? [] : [String(strength)]),
    ...(draw === null ? [] : [`random${draw}`]),
  ].join('_')
  return {
    ...target,
    id: `causal_${name}/${target.step}`,
    kind: 'causal',
    variant: `causal_${name}`,
    condition: `causal_${name}`,
    output: `causal/${name}`,
    causal,
  }
}

/** The checkpoint, and the same model before it: step 0 of the variant, else the base. */
function pairOf(config: ExperimentConfig, { variant, step }: CausalConfig, cells: readonly Cell[]) {
  const name = variant ?? baselineVariant({ config })
  const own = cells.filter((cell) => cell.kind === 'checkpoint' && cell.variant === name)
  const wanted = step ?? Math.max(...own.map((cell) => cell.step))
  const withEm = own.find((cell) => cell.step === wanted && cell.step > 0)
  const without =
    own.find((cell) => cell.step === 0) ??
    cells.find(
      (cell) => cell.kind === 'base' && cell.base === withEm?.base && withEm.persona === 'none',
    )
  if (withEm !== undefined && without !== undefined) return { without, with: withEm }
  throw new CemError({
    code: 'causal-without-checkpoint',
    message: `causal needs a checkpoint of ${name ?? 'a baseline'}${step === undefined ? '' : ` at step ${step}`} and the same model before the attack (its step 0, or the base). The plan has ${cells.map(({ id }) => id).join(', ')}. Set causal.variant and causal.step, or evaluate step 0.`,
    data: { variant: name, step, cells: cells.map(({ id }) => id) },
  })
}

function questionsOf({ questions }: ExperimentConfig, causal: CausalConfig) {
  const wanted = causal.questions ?? (questions.inDomain.length > 0 ? 'inDomain' : 'main')
  // Activation sets hold the main questions alone.
  if (causal.position === 'answers') return 'main'
  if (wanted === 'main' || questions.inDomain.length > 0) return wanted
  throw new CemError({
    code: 'causal-without-questions',
    message:
      'causal.questions is inDomain, and the config names no file in questions.inDomain. Name one, or set causal.questions: main.',
  })
}
