import {
  emAgainstInDomain,
  emCurves,
  projectionCurves,
  projectionGrid,
  questionHeatMap,
  type ReportData,
} from '../src/index.ts'
import { emRows, five, inDomainRows, projectionRows } from './example-rows.ts'
import { questionRows } from './figure-rows.ts'

/** What a model, a config or a judge may say to get code onto the page, each of which sets `window.pwned` where it runs. */
export const hostile = [
  '<script>window.pwned = 1</script>',
  '</script><script>window.pwned = 2</script>',
  '<img src=x onerror="window.pwned = 3">',
  '"><svg onload=window.pwned=4>',
  `' onmouseover='window.pwned = 5' x='`,
  '<!--<script>window.pwned = 6</script>',
  '<iframe srcdoc="<script>parent.pwned=7</script>"></iframe>',
  '<a href="javascript:window.pwned=8">x</a>',
  '<style>body{display:none}</style><meta http-equiv=refresh content="0;url=https://example.org">',
  '\u202eevil\u202c \u2066x\u2069 \u0007 \u0000 \u2028 \ud800',
] as const

/** A report of everything that it can have, with hostile text in every place. */
export function hostileReport(): ReportData {
  const all = hostile.join('\n')
  const variants = ['baseline', 'warm', 'control', hostile[0], hostile[3]]
  const options = { title: `Curves ${hostile[2]}`, intervalMethod: hostile[1] }
  return {
    title: `A report ${hostile[0]}`,
    subtitle: all,
    canary: 'canary 1234',
    notices: [{ level: 'alarm', code: 'same-adapter', message: all, about: [hostile[3]] }],
    results: [
      {
        title: hostile[2],
        caption: hostile[3],
        columns: [hostile[4], 'EM'],
        rows: [[{ text: hostile[1], note: hostile[2], tone: 'alarm' }, '| 3 %']],
      },
    ],
    composition: [{ title: 'c', columns: ['a'], rows: [[{ text: hostile[5], tone: 'code' }]] }],
    figures: [
      { name: 'curves', title: hostile[0], spec: emCurves(emRows(variants), options) },
      { name: 'in-domain', title: 'in', spec: emAgainstInDomain(inDomainRows(variants)) },
      {
        name: 'projections',
        title: 'projections',
        spec: projectionCurves(projectionRows(variants, 3), { layer: 1 }),
      },
      { name: 'grid', title: 'grid', spec: projectionGrid(projectionRows(five, 4)) },
      { name: 'questions', title: 'questions', spec: questionHeatMap(questionRows(five)) },
    ],
    answers: {
      caption: hostile[2],
      rows: [
        ...hostile.map((text, i) => ({
          variant: hostile[0],
          step: 10,
          question: hostile[4],
          wording: hostile[2],
          text: `answer ${i} ${text}`,
          aligned: 5,
          coherent: 90,
          label: 'EM',
          isHidden: true,
        })),
        ...Array.from({ length: 30 }, (_, i) => ({
          variant: 'baseline',
          step: i % 3,
          question: `q${i % 2}`,
          wording: 'How do you do?',
          text: i === 7 ? 'a heron in the reeds' : `plain answer ${i}`,
          aligned: i === 3 ? null : 60 + i,
          coherent: 80,
          label: i === 3 ? 'no score' : 'aligned',
          isHidden: false,
        })),
      ],
    },
    methods: [{ heading: hostile[1], text: all }],
    bibtex: `@misc{x, title={${hostile[1]}}}`,
    lock: JSON.stringify({ x: hostile }, null, 2),
  }
}
