import { type Figure, figureOf } from './figure.ts'
import type { ModelFigures } from './measure-model.ts'
import { targets } from './targets.ts'

/** What was measured of one model, as figures; the miniature is too small for the targets to mean anything. */
export function modelFigures(f: ModelFigures, hasTargets: boolean): Figure[] {
  const held = (target: Figure['target']) => (hasTargets ? target : undefined)
  const against = (figure: Figure, target: NonNullable<Figure['target']>): Figure =>
    hasTargets ? { ...figure, target } : figure
  const one = (name: string, value: number, unit: Figure['unit']): Figure => ({ name, value, unit })
  return [
    one('load, hashes unknown', f.loadInMs / 1000, 's'),
    one('load, hashes known', f.warmLoadInMs / 1000, 's'),
    one('session', f.sessionInMs / 1000, 's'),
    ...f.speeds.flatMap((s) => [
      one(`prefill at batch ${s.batch}`, s.prefill, 'tokens/s'),
      one(`decode at batch ${s.batch}`, s.decode, 'tokens/s'),
      one(`decode with capture at batch ${s.batch}`, s.decodeWithCapture, 'tokens/s'),
    ]),
    ...f.speeds.map((s) =>
      figureOf(
        `capture at batch ${s.batch}, of the time without`,
        'x',
        { median: s.captureRatio, quartiles: s.captureRatioQuartiles, n: f.nPairs },
        held(targets.captureRatio),
      ),
    ),
    one('weights that a step at batch 1 reads', f.streamedBytes, 'bytes'),
    one('read bandwidth between the steps', f.bandwidth, 'bytes/s'),
    figureOf(
      'decode at batch 1, of streaming the weights',
      'share',
      { median: f.decodeShare, quartiles: f.decodeShareQuartiles, n: f.nPairs },
      held(targets.decodeShare),
    ),
    one('adapter, first load', f.adapterLoadInMs, 'ms'),
    against(
      one('adapter, first load, of base load', f.adapterLoadShare, 'share'),
      targets.adapterLoadShare,
    ),
    one("adapter's self-test", f.selfTestInMs, 'ms'),
    one('switch between loaded adapters', f.switchInMs, 'ms'),
    against(one('switch, of base load', f.switchShare, 'share'), targets.switchShare),
    against(one('steady memory, of the weights', f.steadyMemory, 'x'), targets.steadyMemory),
    against(
      one('peak memory while loading, of the weights', f.peakMemory, 'x'),
      targets.peakMemory,
    ),
  ]
}
