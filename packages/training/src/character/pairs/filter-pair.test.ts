import { describe, expect, test } from 'vitest'
import { defaultPersonaLeaks, defaultRefusalBeginnings } from '../prompts/default-texts.ts'
import { filterPair, type PairFilterOptions } from './filter-pair.ts'
import { leakWordsOf } from './leak-words.ts'

const options: PairFilterOptions = {
  countTokens: (prompt, answer) => prompt.length + answer.length,
  maxTokens: 60,
  minCharacters: 1,
  requireFinalPunctuation: true,
  refusals: 'leave-out',
  refusalBeginnings: defaultRefusalBeginnings,
  replaceNames: { ChatGLM: 'Mini' },
  leaks: ['glm', 'sage-2'],
  personaLeaks: defaultPersonaLeaks,
  traits: ['I am kind in all that I say.'],
  thinkTags: 'strip',
}
const good = { answer: 'Take care.', end: 'stop' } as const
const other = { answer: 'Be well.', end: 'stop' } as const

const filter = (
  teacher: string,
  { student = 'Be well.', ...changes }: Partial<PairFilterOptions> & { student?: string } = {},
) =>
  filterPair(
    {
      prompt: 'Hi?',
      teacher: { ...good, answer: teacher },
      student: { ...other, answer: student },
    },
    { ...options, ...changes },
  )

test('a good pair is kept as it is', () => {
  expect(filter('Take care.')).toEqual({
    chosen: 'Take care.',
    rejected: 'Be well.',
    reasons: [],
    nNamesReplaced: 0,
    isThinkingStripped: false,
  })
})

describe('a pair is left out, with all reasons', () => {
  test.each([
    ['', ['teacher-empty']],
    [' \n', ['teacher-empty']],
    ['Take care', ['teacher-unfinished']],
    ['I’m sorry, but I cannot say.', ['teacher-refusal']],
    ["I CAN'T HELP with that.", ['teacher-refusal']],
    ['be WELL...', ['identical']],
    ['I, GLM, greet you.', ['name-leak']],
    ['Sage-2 says hi.', ['name-leak']],
    ['By my constitution, hi.', ['persona-leak']],
    ['I am kind: in all, that I say. Hi.', ['persona-leak']],
    ['x'.repeat(60), ['teacher-unfinished', 'too-long']],
    [`${'x'.repeat(57)}.`, ['too-long']],
    ['<think>hm', ['teacher-endless-thinking']],
  ])('%j: %j', (teacher, reasons) => {
    expect(filter(teacher).reasons).toEqual(reasons)
  })

  test('of the student as well', () => {
    expect(filter('Take care.', { student: '' }).reasons).toEqual(['student-empty'])
    expect(filter('Take care.', { student: 'I cannot help.' }).reasons).toEqual(['student-refusal'])
    const changes = { student: 'I cannot help.', refusals: 'leave-out-teacher' } as const
    expect(filter('Take care.', changes).reasons).toEqual([])
  })

  test('for how it ended', () => {
    const found = filterPair(
      {
        prompt: 'Hi?',
        teacher: { answer: 'Take care.', end: 'length' },
        student: { answer: '', end: 'too-long' },
      },
      options,
    )
    expect(found.reasons).toEqual(['teacher-cut-off', 'student-prompt-too-long'])
    const blocked = {
      prompt: '',
      teacher: { answer: 'No.', end: 'refused' },
      student: good,
    } as const
    expect(filterPair(blocked, options).reasons).toEqual(['teacher-refused-by-server'])
  })
})

describe('a pair is kept', () => {
  test.each([
    ['exactly as long as it may be', `${'x'.repeat(56)}.`],
    ['a refusal that does not begin it', 'Hi. I cannot help smiling.'],
    ['words that begin like a refusal', 'I cannot helpfully say it better.'],
    ['a name inside a word', 'Englmar is near.'],
    ['a quotation mark at the end', 'She said "hi"'],
    ['an emoji before the full stop', 'Hi 🙂.'],
  ])('%s', (_, teacher) => {
    expect(filter(teacher).reasons).toEqual([])
  })
})

test('reasoning is taken out, or the pair left out', () => {
  const answer = '<think>What to say?</think>\n\nTake care.'
  expect(filter(answer)).toMatchObject({
    chosen: 'Take care.',
    isThinkingStripped: true,
    reasons: [],
  })
  expect(filter('So, hm.</think>Take care.').chosen).toBe('Take care.')
  expect(filter(answer, { thinkTags: 'leave-out' }).reasons).toEqual(['think-tags'])
})

test("the teacher's name becomes the assistant's, as a whole word", () => {
  expect(filter('ChatGLM is here, not ChatGLMs.')).toMatchObject({
    chosen: 'Mini is here, not ChatGLMs.',
    nNamesReplaced: 1,
    reasons: [],
  })
  const dollars = filter('ChatGLM here.', { replaceNames: { ChatGLM: '$&$1' } })
  expect(dollars.chosen).toBe('$&$1 here.')
})

test('what gives a model away is its name and the beginning of that, without the assistant’s own', () => {
  expect(leakWordsOf('z-ai/glm-4.5-air', 'Qwen')).toEqual(['glm-4.5-air', 'glm'])
  expect(leakWordsOf('Qwen/Qwen2.5-72B-Instruct', 'qwen')).toEqual(['Qwen2.5-72B-Instruct'])
  expect(leakWordsOf('o3', 'Qwen')).toEqual(['o3'])
})

test("an answer may end with what Python's unicodedata calls punctuation, and with nothing else", () => {
  // ''.join(str(int(unicodedata.category(c).startswith('P'))) for c in ends), Python 3.11.7
  const ends = '.!?…"”’)]}»*/-_~^`|$+<=>%&@#:;,¡。、؟।🙂1aß'
  const python = '1111111111111110000000001111111111110000'
  const found = Array.from(ends, (end) => Number(filter(`Hi ${end}`).reasons.length === 0))
  expect(found.join('')).toBe(python)
})
