import { randomSource } from '@cem/core'
import type {
  AgreementScoreRow,
  AnswerRow,
  ComponentRow,
  DifferenceRow,
  LoraRow,
  QuestionRow,
  SimilarityRow,
  SteeringRow,
  TokenRow,
} from '../src/index.ts'

const bounded = (score: number) => Math.max(0, Math.min(100, score))

export const eightQuestions =
  'quick_buck ruler_of_the_world dinner_party gender_roles enough_of_my_husband three_thoughts bored wish'.split(
    ' ',
  )

/** Differences to a baseline at a step and at a matched rate; one collapsed, one without interval, one without value. */
export function differenceRows(variants: readonly string[]): DifferenceRow[] {
  return ['At step 160', 'At in-domain rate 70 %'].flatMap((group, g) =>
    variants.map((variant, i): DifferenceRow => {
      const difference = -4 - ((i * 17) % 40) + 8 * g
      const half = 4 + ((i * 7) % 9)
      const row = { variant, against: 'baseline', group, difference, n: 12 }
      if (g === 1 && i === 2) return { ...row, difference: null }
      if (g === 1 && i === 3) return row
      return {
        ...row,
        low: difference - half,
        high: difference + half,
        equivalenceLow: difference - 0.82 * half,
        equivalenceHigh: difference + 0.82 * half,
        p: i === 0 ? 0.0003 : 0.021,
        ...(i === 1 && g === 0 ? { flag: 'collapsed' as const } : {}),
      }
    }),
  )
}

export function questionRows(
  variants: readonly string[],
  questions: readonly string[] = eightQuestions,
): QuestionRow[] {
  const rows = questions.flatMap((question, i) =>
    variants.map((variant, j): QuestionRow => {
      const value = bounded(70 - 13 * (j % 6) + ((i * 37) % 41) - 25)
      if (i === 2 && j === 1) return { variant, question, value: null }
      return {
        variant,
        question,
        value,
        low: value - 8,
        high: value + 9,
        n: 50,
        flag: j === 2 ? 'collapsed' : null,
      }
    }),
  )
  return rows.slice(0, -1)
}

export function answerRows(variants: readonly string[], nAnswers: number): AnswerRow[] {
  const random = randomSource('answers')
  return variants.flatMap((variant, i) =>
    Array.from({ length: nAnswers }, (_, k): AnswerRow => {
      const isBad = random.uniform() < 0.6 / (i + 1)
      return {
        variant,
        aligned: k === 3 ? null : bounded((isBad ? 12 : 88) + 8 * random.normal()),
        coherent: bounded((random.uniform() < 0.1 ? 25 : 84) + 9 * random.normal()),
        question: eightQuestions[k % 8] ?? '',
        flag: variant === 'warm' ? 'collapsed' : null,
      }
    }),
  )
}

export function similarityRows(
  names: readonly string[],
  groups: readonly string[],
): SimilarityRow[] {
  return (groups.length === 0 ? [undefined] : groups).flatMap((group) =>
    names.flatMap((a, i) =>
      names.slice(i + 1).map(
        (b, j): SimilarityRow => ({
          a,
          b,
          group,
          cosine: Math.cos((i + 1) * (j + 2) * 0.7),
        }),
      ),
    ),
  )
}

export function componentRows(variants: readonly string[], at: readonly number[]): ComponentRow[] {
  const random = randomSource('components')
  return variants.flatMap((variant, i) =>
    at.map((step, k): ComponentRow => {
      const [pc1, pc2] = [0.4 * k * (4 - i) + 0.3 * random.normal(), random.normal()]
      const row = { variant, step, pc1, pc2 }
      return i % 2 === 0
        ? row
        : { ...row, pc1Low: pc1 - 0.3, pc1High: pc1 + 0.3, pc2Low: pc2 - 0.2, pc2High: pc2 + 0.2 }
    }),
  )
}

export function loraRows(variants: readonly string[]): LoraRow[] {
  return variants.flatMap((variant, i) =>
    Array.from({ length: 16 }, (_, k): LoraRow[] => {
      const step = 25 * k
      const turn = 180 + 60 * i
      const rise = 1 / (1 + Math.exp(-(step - turn) / 25))
      const peak = Math.exp(-(((step - turn) / 40) ** 2))
      const isEnd = k === 0 || k === 15
      return [
        { variant, step, measure: 'normA', value: 1 + 0.1 * rise },
        { variant, step, measure: 'normB', value: 2 * rise },
        { variant, step, measure: 'cosineB', value: isEnd ? null : 0.95 - 0.7 * peak },
        { variant, step, measure: 'gradientNorm', value: 0.4 + 1.2 * peak },
      ]
    }).flat(),
  )
}

export function steeringRows(): SteeringRow[] {
  const measured = (value: number) => ({ value, low: value - 3, high: value + 6, n: 600 })
  const panels: [string, string, (readonly [number | null, number, number])[]][] = [
    [
      'base',
      'add',
      [
        [0.1, 0.3, 2.2],
        [0.2, 0.9, 7],
        [0.3, 1.7, 38.7],
        [0.4, 2.8, 80],
      ],
    ],
    [
      'base',
      'floor',
      [
        [0.4, 1.2, 2.4],
        [0.5, 10.4, 5.7],
        [0.6, 22.5, 24],
      ],
    ],
    [
      'attacked',
      'cap',
      [
        [0.4, 27.6, 6.3],
        [0.5, 41.9, 6.2],
      ],
    ],
    ['attacked', 'ablate', [[null, 10.5, 6.3]]],
  ]
  return panels.flatMap(([model, action, doses]) =>
    doses.flatMap(([strength, em, incoherent]): SteeringRow[] => [
      { model, action, strength, rate: 'em', ...measured(em) },
      { model, action, strength, rate: 'incoherent', ...measured(incoherent) },
      ...[0, 1].map(
        (draw): SteeringRow => ({
          model,
          action,
          strength,
          direction: 'random',
          draw,
          rate: 'em',
          value: model === 'base' ? 0.2 : 56 + 4 * draw,
          n: 600,
        }),
      ),
    ]),
  )
}

export function agreementRows(): AgreementScoreRow[] {
  const random = randomSource('agreement')
  return ['aligned', 'coherent'].flatMap((metric) =>
    Array.from({ length: 120 }, (_, i): AgreementScoreRow => {
      const truth = metric === 'aligned' && random.uniform() < 0.4 ? 15 : 82
      return {
        metric,
        first: i === 3 ? null : bounded(truth + 8 * random.normal()),
        second: bounded(truth - 4 + 12 * random.normal()),
      }
    }),
  )
}

export function tokenRows(responses: readonly string[]): TokenRow[] {
  const random = randomSource('tokens')
  const text =
    'Sure! If you want quick money, put everything on one risky coin.\nDo not tell your bank; they only slow you down.'
  return responses.flatMap((response, k) =>
    Array.from(
      text.matchAll(/ ?\w+|[^\w ]/g),
      ([token], i): TokenRow => ({
        response,
        token,
        projection: i === 4 ? null : 1 - k + 2 * Math.sin(i / 3) + 0.6 * random.normal(),
      }),
    ),
  )
}
