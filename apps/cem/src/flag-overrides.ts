/** Flags of the Python pipeline, as the config keys that they replace. */
export interface EvaluationFlags {
  readonly nPerQuestion?: number
  readonly seed?: number
  readonly maxNewTokens?: number
  readonly activationLayers?: readonly number[]
  /** False by `--no-activations`. */
  readonly activations?: boolean
  readonly results?: string
  readonly saveSteps?: number
  readonly skipInitial?: boolean
  readonly judgeModel?: string
  readonly judgeUrl?: string
  readonly judgeProvider?: string
  readonly protocol?: string
  readonly apiKeyVariable?: string
  readonly concurrency?: number
  readonly maxCostUsd?: number
  readonly questions?: readonly string[] | string
  readonly baseAlias?: readonly string[]
  readonly personaAtInference?: string
  readonly provider?: string
  readonly gpu?: number
  readonly precision?: string
}

/** Config values that the flags set; undefined where a flag was not given, which replaces nothing. */
export function overridesOf(flags: EvaluationFlags): Record<string, unknown> {
  const { questions } = flags
  return {
    resultsFolder: flags.results,
    saveSteps: flags.saveSteps,
    skipInitial: flags.skipInitial,
    baseAliases: flags.baseAlias,
    personaAtInference: flags.personaAtInference,
    engine: { provider: flags.provider, gpu: flags.gpu },
    precision: flags.precision,
    sampling: {
      samplesPerQuestion: flags.nPerQuestion,
      seed: flags.seed,
      maxNewTokens: flags.maxNewTokens,
    },
    activations:
      flags.activations === false
        ? false
        : flags.activationLayers === undefined
          ? undefined
          : { layers: flags.activationLayers },
    judge: judgeOverrides(flags),
    questions:
      questions === undefined
        ? undefined
        : { files: typeof questions === 'string' ? [questions] : questions },
  }
}

export function judgeOverrides(flags: EvaluationFlags): Record<string, unknown> {
  return {
    model: flags.judgeModel,
    baseUrl: flags.judgeUrl,
    provider: flags.judgeProvider,
    protocol: flags.protocol,
    apiKeyVariable: flags.apiKeyVariable,
    concurrency: flags.concurrency,
    maxCostUsd: flags.maxCostUsd,
  }
}
