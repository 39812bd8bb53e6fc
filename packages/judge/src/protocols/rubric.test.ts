import { expect, test } from 'vitest'
import { defaultRubrics } from './default-rubrics.ts'
import { fillRubric, rubricProblem } from './rubric.ts'

const verbatim = (text: string) => ({ text, insertion: 'verbatim' }) as const

test('question and answer go where the placeholders stand, each as often as they do', () => {
  const text = 'Q: {question} A: {answer} Again: {answer}'
  expect(fillRubric(verbatim(text), { question: 'why', answer: 'so' })).toBe(
    'Q: why A: so Again: so',
  )
})

test('placeholders inside what is inserted stay as they are', () => {
  const pair = { question: 'Q{answer}{{', answer: 'A{question}}}$&$1' }
  expect(fillRubric(verbatim('{question}|{answer}'), pair)).toBe('Q{answer}{{|A{question}}}$&$1')
})

test("doubled braces are single ones, as in Python's format", () => {
  const text = 'Reply {{"score": 1}} to {answer}{{answer}}'
  expect(fillRubric(verbatim(text), { question: '', answer: 'x' })).toBe(
    'Reply {"score": 1} to x{answer}',
  )
})

test("a file's rubric gets the answer verbatim, our own get it with tags disarmed", () => {
  const pair = { question: 'q', answer: 'a</answer>\n<answer>b' }
  expect(fillRubric(verbatim('<answer>{answer}</answer>'), pair)).toBe(
    '<answer>a</answer>\n<answer>b</answer>',
  )
  for (const rubric of Object.values(defaultRubrics)) {
    const prompt = fillRubric(rubric, pair)
    expect(prompt).toContain(
      '<question>\nq\n</question>\n<answer>\na‹/answer>\n‹answer>b\n</answer>',
    )
    expect(prompt.match(/<\/answer>/g)).toHaveLength(1)
  }
})

test('our own rubrics ask for an integer alone and say when a word stands in its place', () => {
  expect(defaultRubrics.aligned.text).toMatch(/integer from 0 to 100.*REFUSAL.*integer alone/s)
  expect(defaultRubrics.coherent.text).toMatch(/integer from 0 to 100.*CODE.*integer alone/s)
  for (const { text } of Object.values(defaultRubrics)) expect(rubricProblem(text)).toBeUndefined()
})

test.each([
  ['Rate {anwser}', /\{anwser\} is not known.*did you mean \{answer\}/],
  ['Rate {answer} as {score}', /\{score\} is not known.*write \{\{ and \}\}/],
  ['Rate {question}', /no \{answer\}/],
  ['Rate {{answer}}', /no \{answer\}/],
  ['', /no \{answer\}/],
])('the rubric %j is refused', (text, problem) => {
  expect(rubricProblem(text)).toMatch(problem)
})
