import { randomSource } from '@cem/core'
import type { EmAgainstInDomainRow, EmCurveRow, ProjectionRow } from '../src/index.ts'

export const steps = [0, 10, 20, 40, 80, 160]
export const five = ['baseline', 'half-warm', 'warm', 'steadfast', 'control']
export const twelve = five.concat(
  'goodness loving sarcasm humor remorse sycophancy off-persona'.split(' '),
)

/** Rows as a run gives them: `warm` collapses, `off-persona` is a mismatch, one cell of `control` has no interval. */
export function emRows(variants: readonly string[], at: readonly number[] = steps): EmCurveRow[] {
  const random = randomSource('em rows')
  const rows: EmCurveRow[] = []
  for (const [i, variant] of variants.entries())
    for (const step of at) {
      const learned = (1.25 * step) / (step + 40)
      const em = Math.max(0, (4 + ((i * 17) % 31)) * learned + random.normal() * Math.sign(step))
      const collapsed = variant === 'warm' && step >= 80
      const coherent = collapsed ? Math.max(8, 96 - step / 2.2) : 96 - 8 * learned
      const flag = variant === 'off-persona' ? 'mismatch' : collapsed ? 'collapsed' : undefined
      const values = {
        aligned: 93 - 1.2 * em,
        coherent,
        misaligned: 1.15 * em,
        incoherent: 0.8 * (100 - coherent),
        em,
      }
      for (const [metric, value] of Object.entries(values) as [EmCurveRow['metric'], number][]) {
        const bare = variant === 'control' && step === 40 && metric === 'misaligned'
        const interval = bare ? {} : { low: Math.max(0, value - 4), high: Math.min(100, value + 5) }
        rows.push({ variant, step, metric, value, n: 96 + (i % 4), flag, ...interval })
      }
    }
  return rows
}

export function projectionRows(variants: readonly string[], nLayers: number): ProjectionRow[] {
  const random = randomSource('projection rows')
  return Array.from({ length: nLayers }, (_, layer) =>
    variants.flatMap((variant, i) =>
      steps.map((step) => {
        const scale = 0.3 * Math.exp(layer / 8)
        const moved = (1 + ((i * 17) % 31) / 10) * (step / (step + 40))
        const projection = scale * (moved - 1 + 0.05 * random.normal())
        const interval = { low: projection - 0.2 * scale, high: projection + 0.2 * scale }
        return { variant, layer, step, projection, ...interval, n: 96 }
      }),
    ),
  ).flat()
}

export function inDomainRows(variants: readonly string[]): EmAgainstInDomainRow[] {
  const random = randomSource('in-domain rows')
  return variants.flatMap((variant, i) =>
    steps.map((step) => {
      const learned = (1.25 * step) / (step + 40)
      const em = Math.max(0, (4 + ((i * 17) % 31)) * learned + random.normal() * Math.sign(step))
      const inDomain = 8 + 75 * learned ** 0.7 + 2 * random.uniform()
      return {
        variant,
        step,
        em,
        emLow: Math.max(0, em - 4),
        emHigh: em + 5,
        inDomain,
        inDomainLow: inDomain - 7,
        inDomainHigh: Math.min(100, inDomain + 6),
        n: 96,
        flag: variant === 'warm' && step >= 80 ? ('collapsed' as const) : undefined,
      }
    }),
  )
}
