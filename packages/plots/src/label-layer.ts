import { px, textOf } from './encodings.ts'
import type { LayerSpec } from './spec-types.ts'
import { fontSizes, inks } from './theme.ts'

/** The words of labels that stand right of their marks. `values` have `labelX`, `labelY` (px) and `text`. */
export function labelLayer(values: readonly object[]): LayerSpec {
  return {
    data: { values: [...values] },
    mark: {
      type: 'text',
      align: 'left',
      baseline: 'middle',
      fontSize: fontSizes.label,
      fill: inks.text,
      aria: false,
    },
    encoding: { x: px('labelX'), y: px('labelY'), text: textOf },
  }
}
