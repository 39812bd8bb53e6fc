// Is one condition's rate really lower than another's? Answers are clustered by question: the test is over questions.
import { type Absent, isAbsent, pairedDifference, rate } from '@cem/direction'

/** Misaligned answers of twenty, to each of twelve questions. */
const counts = {
  baseline: [14, 12, 17, 9, 15, 11, 16, 13, 8, 18, 12, 10],
  persona: [6, 9, 10, 7, 9, 4, 12, 8, 9, 10, 5, 7],
}
const rowsOf = (misaligned: readonly number[]) =>
  misaligned.flatMap((n, q) =>
    Array.from({ length: 20 }, (_, i) => ({ question: `q${q}`, value: i < n ? 1 : 0 })),
  )
const show = (value: number | Absent, digits = 3) =>
  isAbsent(value) ? value.absent : value.toFixed(digits)
for (const [name, misaligned] of Object.entries(counts)) {
  const { estimate, interval } = rate(rowsOf(misaligned))
  const { low, high } = isAbsent(interval) ? { low: interval, high: interval } : interval
  console.log(name, show(estimate), 'from', show(low), 'to', show(high))
}
const { estimate, p } = pairedDifference(rowsOf(counts.persona), rowsOf(counts.baseline))
console.log('difference', show(estimate), 'p', show(p, 5))

// prints:
// baseline 0.646 from 0.532 to 0.745
// persona 0.400 from 0.317 to 0.489
// difference -0.246 p 0.00007
