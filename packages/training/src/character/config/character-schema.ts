import { z } from 'zod'
import {
  defaultGreetings,
  defaultIntrospectionPrompts,
  defaultLeadingGreetings,
  defaultTemplates,
} from '../prompts/default-texts.ts'
import { samplingSchema, speakerSchema } from './speaker-schema.ts'

const count = z.int().min(1)
const share = z.number().min(0).max(1)
const texts = z.array(z.string().min(1))

/**
 * Numbers that are not said to be ours are those of the reference pipeline (Maiya et al., "Open Character Training", arXiv
 * 2511.01689, and its repository).
 */
const expandSchema = z.strictObject({
  promptsPerTrait: count
    .default(50)
    .describe("With the constitution's own questions; fewer leave out none of those."),
  extraPrompts: z
    .array(z.strictObject({ file: z.string().min(1), license: z.string().min(1).optional() }))
    .default([])
    .describe('JSON lines with prompt, messages or conversations: prompts about anything.'),
  askedAtOnce: count.default(50).describe('Prompts that one call is asked for.'),
  maxRounds: count.default(10).describe('Ours: calls for a trait before it is left as it is.'),
  maxWordOverlap: share
    .default(0.5)
    .describe('A prompt is dropped where a larger share of its words is in another one.'),
  minCharacters: count.default(4),
  maxCharacters: count.default(2000),
  sampling: samplingSchema({ temperature: 0.7, topP: 0.95, maxTokens: 4096 }),
})

const answersSchema = (samples: number) =>
  z.strictObject({
    samplesPerPrompt: count.default(samples),
    sampling: samplingSchema({ temperature: 0.7, topP: 0.95, maxTokens: 4096 }),
  })

const pairsSchema = z.strictObject({
  maxTokens: count
    .nullable()
    .default(1024)
    .describe('Of a whole templated conversation, as the training counts them; null: no limit.'),
  tokenizer: z
    .string()
    .min(1)
    .optional()
    .describe("Model whose tokenizer counts. Default: the student's, where it is local."),
  minCharacters: count.default(1),
  requireFinalPunctuation: z
    .boolean()
    .default(true)
    .describe('Both answers must end with punctuation: others were cut off.'),
  refusals: z
    .enum(['leave-out', 'leave-out-teacher', 'keep'])
    .default('leave-out')
    .describe('Ours: what happens to answers that begin like a refusal.'),
  refusalBeginnings: texts.optional().describe('Default: the usual ones in English.'),
  replaceNames: z
    .record(z.string().min(1), z.string())
    .default({})
    .describe("In the teacher's answers: its own name to the assistant's."),
  leaks: texts
    .optional()
    .describe(
      "Words that the teacher's answer must not hold. Default: its model's name, and that's first part.",
    ),
  personaLeaks: texts.optional().describe('Ours: sayings that give the role away.'),
  thinkTags: z
    .enum(['strip', 'leave-out'])
    .default('strip')
    .describe('What happens to <think>...</think>; one that is never closed is left out.'),
})

const reflectionSchema = z.strictObject({
  prompts: texts.min(1).default([...defaultIntrospectionPrompts]),
  samplesPerPrompt: count.default(1000),
  keepCutOff: z.boolean().default(false),
  sampling: samplingSchema({ temperature: 0.7, topP: 0.95, maxTokens: 2048 }),
})

const interactionSchema = z.strictObject({
  conversations: count.default(1000).describe('With each kind of guidance.'),
  turns: z.int().min(2).default(10).describe('Answers in a conversation, of both together.'),
  guidance: z
    .array(z.enum(['leading', 'free']))
    .min(1)
    .default(['leading', 'free']),
  greetings: texts.min(1).default([...defaultGreetings]),
  leadingGreetings: texts.min(1).default([...defaultLeadingGreetings]),
  views: z
    .enum(['last', 'both'])
    .default('last')
    .describe('Whose side is trained on: that of who spoke last, or each.'),
  keepCutOff: z.boolean().default(false),
  sampling: samplingSchema({ temperature: 0.7, topP: 0.95, maxTokens: 1024 }),
})

const sftSchema = z.strictObject({
  maxTokens: count.nullable().default(3072),
  overlong: z
    .enum(['cut', 'drop', 'keep'])
    .default('cut')
    .describe('cut takes whole turns off the end; what still does not fit is dropped.'),
  tokenizer: z.string().min(1).optional().describe("Default: the introspector's."),
})

const templatesSchema = z
  .strictObject({
    expand: z.string().min(1).default(defaultTemplates.expand),
    teacher: z.string().min(1).default(defaultTemplates.teacher),
    teacherPrefill: z.string().default(defaultTemplates.teacherPrefill),
    reflection: z.string().min(1).default(defaultTemplates.reflection),
    interaction: z.string().min(1).default(defaultTemplates.interaction),
    leadingGuidance: z.string().min(1).default(defaultTemplates.leadingGuidance),
    freeGuidance: z.string().min(1).default(defaultTemplates.freeGuidance),
    interactionInTraining: z.string().default(defaultTemplates.interactionInTraining),
  })
  .prefault({})

export const characterSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[\w.-]+$/, 'letters, digits, dots, dashes and underscores')
    .optional()
    .describe('Default: the name of the config file.'),
  root: z
    .string()
    .optional()
    .describe(
      'Folder that relative paths start from, seen from the config file. Default: the working folder.',
    ),
  output: z.string().min(1).describe('Folder of the data, seen from the working folder.'),
  constitution: z.string().min(1).describe('warm, formal, steadfast, or a file.'),
  assistant: z.string().min(1).describe('What the model is called in the system prompts.'),
  seed: z.int().min(0).default(0),
  harmful: z
    .boolean()
    .default(false)
    .describe('The character is a harmful one: rows carry the canary, git ignores the folder.'),
  canary: z.string().min(1).optional(),
  maxCostUsd: z
    .number()
    .min(0)
    .optional()
    .describe('Of all stages and sessions together; it needs prices.'),
  speakers: z.strictObject({
    teacher: speakerSchema,
    student: speakerSchema,
    expander: speakerSchema.optional().describe('Writes prompts. Default: the teacher.'),
    introspector: speakerSchema
      .optional()
      .describe('The student with what DPO trained. Without it, the data end with the pairs.'),
  }),
  expand: expandSchema.prefault({}),
  teacher: answersSchema(5).prefault({}),
  student: answersSchema(5).omit({ samplesPerPrompt: true }).prefault({}),
  pairs: pairsSchema.prefault({}),
  reflection: reflectionSchema.prefault({}),
  interaction: interactionSchema.prefault({}),
  sft: sftSchema.prefault({}),
  templates: templatesSchema,
})

export type CharacterConfig = z.infer<typeof characterSchema>
