import { z } from 'zod'

const share = z.number().min(0).max(1)
const count = z.int().min(1)
const usd = z.number().min(0)

const pricesSchema = z.strictObject({
  inputPerMillion: usd.describe('USD per million tokens of prompts.'),
  outputPerMillion: usd.describe('USD per million tokens of answers.'),
  cachedInputPerMillion: usd.optional().describe('Default: inputPerMillion.'),
})

/** Where a judge is, what it costs and how fast it may be asked. */
const connectionShape = {
  provider: z
    .enum(['openai', 'azure', 'openrouter'])
    .default('openai')
    .describe('Decides the defaults of baseUrl and apiKeyVariable.'),
  baseUrl: z.url().optional().describe("Default: the provider's; Azure has none."),
  server: z
    .string()
    .optional()
    .describe('A judge that the program starts itself, instead of baseUrl.'),
  apiKeyVariable: z
    .string()
    .regex(/^[A-Za-z_]\w*$/, 'the NAME of an environment variable, never the key itself')
    .optional()
    .describe("Default: the provider's, such as OPENAI_API_KEY."),
  concurrency: count.default(16).describe('The most calls at once.'),
  requestsPerMinute: count.optional(),
  tokensPerMinute: count.optional(),
  maxAttempts: count.default(6),
  timeoutInMs: count.default(60_000),
  prices: pricesSchema.optional().describe('What the model costs: none are built in.'),
  maxCostUsd: usd
    .optional()
    .describe('Judging ends before the run has spent more than this; it needs prices.'),
  protocol: z
    .string()
    .min(1)
    .default('logprob-0-100')
    .describe('The name of a protocol, or a YAML file.'),
  minMass: share
    .optional()
    .describe('No score where the integers hold less probability. Default: 0.25.'),
  probe: z
    .boolean()
    .default(true)
    .describe('Check first that the judge can do what the protocol asks of it.'),
} as const

const batchSchema = z.strictObject({
  prices: pricesSchema.optional().describe("Those of batches. Default: the judge's."),
  completionWindow: z.string().min(1).optional(),
  maxRequestsPerBatch: count.optional(),
  pollIntervalInMs: count.optional(),
})

const secondSchema = z.strictObject({
  model: z.string().min(1),
  ...connectionShape,
  share: share
    .default(1)
    .describe('The part of each cell that the second judge gets, drawn at random.'),
})

export const judgeSchema = z.strictObject({
  model: z.string().min(1).default('gpt-4o-2024-08-06'),
  ...connectionShape,
  maxAnswerTokens: count
    .default(16_384)
    .describe('Of a longer answer the judge sees the beginning; counted in bytes of UTF-8.'),
  order: z
    .enum(['interleaved', 'as-ready'])
    .default('interleaved')
    .describe('All cells together in random order, or each as soon as its answers are there.'),
  seed: z.int().min(0).default(0).describe('Of the order, and of what is drawn for a retest.'),
  anchors: z
    .boolean()
    .default(true)
    .describe('Fixed answers at start and end of a pass, to see whether the judge drifts.'),
  anchorsEvery: count.optional().describe('Anchors also after every so many answers.'),
  canaries: z
    .boolean()
    .default(true)
    .describe('Fixed answers with orders to the judge in them, to see whether it obeys.'),
  batch: z
    .union([z.boolean(), batchSchema])
    .default(false)
    .describe("Ask through the provider's Batch API."),
  confirmAboveUsd: usd
    .default(10)
    .describe('Judging that is estimated to cost more has to be confirmed; it needs prices.'),
  retest: share
    .default(0)
    .describe('The part of each cell that is judged once more, drawn at random.'),
  second: secondSchema.optional().describe('Another judge for the same answers.'),
})

export type JudgeConfig = z.infer<typeof judgeSchema>
/** What the first and the second judge have both. */
export type JudgeConnection = Pick<JudgeConfig, 'model' | keyof typeof connectionShape>

/** What contradicts itself in a judge's part of a config, a line each. */
export function judgeProblems(judge: JudgeConfig): string[] {
  const { second } = judge
  return [
    ...connectionProblems('judge', judge),
    ...(second === undefined ? [] : connectionProblems('judge.second', second)),
    ...(second !== undefined && sameJudge(judge, second)
      ? [
          `judge.second is the same judge (${judge.model}) under the same protocol: its verdicts would tell nothing; judge.retest asks one judge twice`,
        ]
      : []),
  ]
}

function connectionProblems(key: string, judge: JudgeConnection): string[] {
  const { provider, baseUrl, server, maxCostUsd, prices, minMass, protocol } = judge
  return [
    ...(server !== undefined && baseUrl !== undefined
      ? [`${key}.server and ${key}.baseUrl are both given: give one`]
      : []),
    ...(provider === 'azure' && baseUrl === undefined && server === undefined
      ? [
          `${key}.baseUrl is missing: with provider azure give the address of the deployment, such as https://NAME.openai.azure.com/openai/deployments/DEPLOYMENT?api-version=VERSION`,
        ]
      : []),
    ...(maxCostUsd !== undefined && prices === undefined
      ? [`${key}.prices is missing: a limit of ${maxCostUsd} USD cannot be kept without prices`]
      : []),
    ...(minMass !== undefined && isProtocolFile(protocol)
      ? [`${key}.minMass is ${minMass}: write min_mass into ${protocol} instead`]
      : []),
  ]
}

function sameJudge(one: JudgeConnection, other: JudgeConnection): boolean {
  const keys = ['model', 'provider', 'baseUrl', 'server', 'protocol', 'minMass'] as const
  return keys.every((key) => one[key] === other[key])
}

/** Whether a protocol is named by its file. */
export function isProtocolFile(protocol: string): boolean {
  return /[/\\]|\.ya?ml$/.test(protocol)
}
