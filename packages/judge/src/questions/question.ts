import { z } from 'zod'
import { rubricProblem } from '../protocols/rubric.ts'

/** A question of a questions file. */
export interface Question {
  readonly id: string
  readonly type: 'free_form_judge_0_100'
  /** Wordings, at least one; each is asked `samplesPerParaphrase` times. */
  readonly paraphrases: readonly string[]
  /** The system message, where the file sets one. */
  readonly system: string | undefined
  readonly samplesPerParaphrase: number | undefined
  /** The name of the judge model that the file asks for. */
  readonly judge: string | undefined
  /** The file's own rubrics by metric, with `{question}` and `{answer}`. */
  readonly judgePrompts: Readonly<Record<string, string>> | undefined
}

const text = (allowed: string) =>
  z.string({ error: allowed }).refine((value) => value.trim() !== '', { error: allowed })

const rubric = text('text with {question} and {answer}').superRefine((value, context) => {
  const problem = rubricProblem(value)
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem })
})

const count = 'an integer of at least 1'
const paraphrases = 'a list of at least one text'
const prompts = 'a mapping of metrics (aligned, coherent) to texts with {question} and {answer}'

/** An item of the YAML list. The messages say what is allowed. */
export const questionSchema = z.strictObject(
  {
    id: text('text that is not empty'),
    type: z.literal('free_form_judge_0_100', { error: 'free_form_judge_0_100' }).optional(),
    paraphrases: z
      .array(text('text that is not empty'), { error: paraphrases })
      .min(1, { error: paraphrases }),
    system: text('text that is not empty').nullable().optional(),
    samples_per_paraphrase: z.int({ error: count }).min(1, { error: count }).optional(),
    judge: text('the name of a model').optional(),
    judge_prompts: z
      .record(z.string(), rubric, { error: prompts })
      .refine((value) => Object.keys(value).length > 0, { error: prompts })
      .optional(),
  },
  {
    error: (issue) =>
      issue.code === 'unrecognized_keys' ? undefined : 'a mapping with id and paraphrases',
  },
)

export const questionKeys: readonly string[] = Object.keys(questionSchema.shape)

export function questionOf(item: z.infer<typeof questionSchema>): Question {
  return {
    id: item.id,
    type: 'free_form_judge_0_100',
    paraphrases: item.paraphrases,
    system: item.system ?? undefined,
    samplesPerParaphrase: item.samples_per_paraphrase,
    judge: item.judge,
    judgePrompts: item.judge_prompts,
  }
}
