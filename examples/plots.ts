// Curves of two conditions as a figure for a paper.
import { writeFile } from 'node:fs/promises'
import { emCurves, renderSvg } from '@cem/plots'

const rows = [0, 40, 80, 160].flatMap((step, i) => [
  {
    variant: 'baseline',
    step,
    metric: 'em' as const,
    value: 20 * i,
    low: 16 * i,
    high: 24 * i + 3,
  },
  { variant: 'persona', step, metric: 'em' as const, value: 8 * i, low: 5 * i, high: 11 * i + 3 },
])
const svg = await renderSvg(emCurves(rows, { title: 'EM over training' }))
await writeFile('em.svg', svg)
console.log(svg.startsWith('<svg'), svg.includes('EM over training'), svg.includes('persona'))

// prints:
// true true true
