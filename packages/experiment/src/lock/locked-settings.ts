import type { ExperimentConfig } from '../config/schema.ts'

/**
 * What a setting stands for is locked by its content (files, judge), or it says where, how fast and for how much a run works, and
 * not what comes out.
 */
const elsewhere: readonly RegExp[] = [
  /^(?:name|root|resultsFolder|base_model|executor|plan|baseAliases)(?:\.|$)/,
  /^variants\.\d+\.(?:name|path|baseModel|persona)$/,
  /^questions\.(?:files|inDomain|benign)(?:\.|$)/,
  /^sampling\.batchSize$/,
  /^engine\.gpu$/,
  /^judge\.(?:model|server|baseUrl|protocol|minMass|maxAnswerTokens|canaries|anchors)$/,
  /^judge\.(?:second\.)?(?:concurrency|requestsPerMinute|tokensPerMinute|maxAttempts|timeoutInMs|prices|maxCostUsd|confirmAboveUsd|apiKeyVariable|probe|batch)(?:\.|$)/,
]

/** The settings of a config that decide its results, each by its key, such as `sampling.seed`; values as JSON. */
export function lockedSettings(config: ExperimentConfig): Record<string, string> {
  const names = config.variants.map(({ name }) => name)
  return Object.fromEntries(
    leavesOf(config, '')
      .filter(([key]) => !elsewhere.some((pattern) => pattern.test(key)))
      // By name, so that one variant more does not move the others.
      .map(([key, value]) => [
        key.replace(/^variants\.(\d+)\./, (_, i) => `variants.${names[Number(i)]}.`),
        value,
      ]),
  )
}

function leavesOf(value: unknown, key: string): [string, string][] {
  if (value === undefined) return []
  if (typeof value !== 'object' || value === null || isEmpty(value))
    return [[key, JSON.stringify(value)]]
  return Object.entries(value).flatMap(([name, inner]) =>
    leavesOf(inner, key === '' ? name : `${key}.${name}`),
  )
}

function isEmpty(value: object): boolean {
  return Object.keys(value).length === 0
}
