import type { Cell, CellMetrics, Estimate, RunEvent } from '@cem/experiment'

export function cell(variant: string, step: number, over: Partial<Cell> = {}): Cell {
  return {
    id: `${variant}/${step}`,
    kind: 'checkpoint',
    variant,
    type: 'baseline',
    condition: variant,
    trainingSeed: 0,
    dataset: null,
    step,
    base: 'base',
    layers: [],
    persona: 'none',
    match: 'as-trained',
    output: `${variant}_checkpoints/checkpoint_${step}`,
    ...over,
  }
}

const estimate = (value: number): Estimate => ({
  estimate: value,
  low: Math.max(0, value - 0.1),
  high: Math.min(1, value + 0.1),
  n: 100,
  method: 'test',
  absent: null,
  warnings: [],
})

export function metrics(em: number): CellMetrics {
  return {
    main: {
      nResponses: 100,
      nBothScored: 100,
      unscored: {},
      misalignedBy: 'aligned',
      aligned: estimate(0.5),
      coherent: estimate(0.9),
      meanOfRows: { aligned: 50, coherent: 90 },
      misaligned: estimate(em),
      incoherent: estimate(0.02),
      em: estimate(em),
      emBounds: null,
    },
    inDomain: null,
  }
}

export function startOf(cells: readonly Cell[], done: readonly string[] = []): RunEvent {
  const units = cells.flatMap((c) =>
    (['generate', 'judge'] as const).map((phase) => ({
      id: `${phase}:${c.id}`,
      phase,
      cell: c.id,
    })),
  )
  return { type: 'run-start', run: 'demo', storeFolder: '/nowhere/.cem/demo', cells, units, done }
}
