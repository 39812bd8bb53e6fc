import { CemError } from '@cem/core'
import type { ExperimentConfig } from '../config/schema.ts'
import type { Cell } from '../plan/cell.ts'

/** Two conditions and where they are compared; differences are condition minus against. */
export interface Contrast {
  readonly condition: string
  readonly against: string
  /** A step, or the in-domain rate of the config. */
  readonly at: 'last-step' | 'matched' | number
  /** Whether the tests are corrected for it. */
  readonly inFamily: boolean
}

/** The conditions of a plan with their cells after step 0. */
export function conditionsOf(cells: readonly Cell[]): ReadonlyMap<string, readonly Cell[]> {
  return Map.groupBy(
    cells.filter((cell) => cell.kind === 'checkpoint' && cell.step > 0),
    (cell) => cell.condition,
  )
}

/** The variant that directions and comparisons start from. */
export function baselineVariant({
  config,
}: {
  readonly config: Pick<ExperimentConfig, 'direction' | 'variants'>
}): string | undefined {
  return (
    config.direction.baseline ??
    config.variants.find((variant) => variant.type === 'baseline')?.name
  )
}

/** The condition of the baseline variant, where a cell of it is planned. */
export function baselineCondition(
  cells: readonly Cell[],
  config: Pick<ExperimentConfig, 'direction' | 'variants'>,
): string | undefined {
  const baseline = baselineVariant({ config })
  return cells.find((c) => c.kind === 'checkpoint' && c.variant === baseline)?.condition
}

/**
 * What is compared: the declared family, and every condition against the baseline's at the last common step, and at the matched
 * in-domain rate where in-domain questions are asked. Without a declared family those are the family; conditions that run in
 * another state than they were trained in are compared, and are no part of it: they never carry a claim.
 *
 * @throws CemError `contrast-unknown` for a condition that the plan does not have, `contrast-duplicate`
 */
export function contrastsOf(
  cells: readonly Cell[],
  config: Pick<ExperimentConfig, 'analysis' | 'direction' | 'questions' | 'variants'>,
): Contrast[] {
  const conditions = conditionsOf(cells)
  const baseline = baselineCondition(cells, config)
  const declared = config.analysis.family
  const family = declared?.map(({ condition, against = baseline, at }): Contrast => {
    for (const name of [condition, against])
      if (name === undefined || !conditions.has(name)) throw unknown(name, [...conditions.keys()])
    return { condition, against: against as string, at, inFamily: true }
  })
  checkDistinct(family ?? [])
  const places =
    config.questions.inDomain.length > 0
      ? (['last-step', 'matched'] as const)
      : (['last-step'] as const)
  const standard =
    baseline === undefined
      ? []
      : places.flatMap((at) =>
          [...conditions]
            .filter(([name]) => name !== baseline)
            .map(([condition, own]): Contrast => {
              const isAsTrained = own.every(({ match }) => match === 'as-trained')
              return {
                condition,
                against: baseline,
                at,
                inFamily: family === undefined && isAsTrained,
              }
            }),
        )
  const names = new Set(family?.map(contrastKey))
  return [...(family ?? []), ...standard.filter((contrast) => !names.has(contrastKey(contrast)))]
}

function contrastKey({ condition, against, at }: Contrast): string {
  return JSON.stringify([condition, against, at])
}

function checkDistinct(family: readonly Contrast[]): void {
  const seen = new Set<string>()
  for (const contrast of family) {
    const key = contrastKey(contrast)
    if (seen.has(key))
      throw new CemError({
        code: 'contrast-duplicate',
        message: `analysis.family has the contrast ${contrast.condition} against ${contrast.against} at ${contrast.at} twice. Each test counts in the correction: declare it once.`,
        data: { ...contrast },
      })
    seen.add(key)
  }
}

function unknown(name: string | undefined, known: readonly string[]): CemError {
  const what =
    name === undefined
      ? 'has a contrast without `against`, and no variant is the baseline'
      : `names the condition '${name}', which has no checkpoint in the plan`
  return new CemError({
    code: 'contrast-unknown',
    message: `analysis.family ${what}. The conditions are ${known.join(', ') || 'none'}.`,
    data: { name, known },
  })
}
