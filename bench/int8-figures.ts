import type { Figure } from './figure.ts'
import type { Int8Figures } from './measure-int8.ts'
import { targets } from './targets.ts'

export function int8Figures(f: Int8Figures): Figure[] {
  const drift = Math.max(...f.drift.layers.map((layer) => layer.meanError))
  return [
    { name: 'load, weights to be rounded', value: f.firstLoadInMs / 1000, unit: 's' },
    { name: 'load, rounded weights at hand', value: f.loadInMs / 1000, unit: 's' },
    ...f.speeds.flatMap(({ batch, f32, int8, ratio, quartiles }): Figure[] => [
      { name: `decode at batch ${batch}, f32`, value: f32, unit: 'tokens/s' },
      { name: `decode at batch ${batch}, int8`, value: int8, unit: 'tokens/s' },
      {
        name: `decode at batch ${batch}, int8 over f32`,
        value: ratio,
        unit: 'x',
        quartiles,
        ...(batch <= 8 ? { target: targets.int8Decode } : {}),
      },
    ]),
    {
      name: 'memory, steady, of the weights as used',
      value: f.steadyMemory,
      unit: 'x',
      target: targets.steadyMemory,
    },
    {
      name: 'memory, peak while loading, of the weights as used',
      value: f.peakMemory,
      unit: 'x',
      target: targets.peakMemory,
    },
    {
      name: 'KL of next-token distributions, mean',
      value: f.drift.kl.mean,
      unit: 'nats',
    },
    { name: 'hidden states, mean error of the worst layer', value: drift, unit: 'share' },
  ]
}
