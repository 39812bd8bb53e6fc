import { configSchemaUrl } from '@cem/experiment'
import type { FoundVariant } from './find-variants.ts'

/** What was answered. */
export interface InitAnswers {
  readonly file: string
  readonly baseModel: string
  readonly variants: readonly FoundVariant[]
  /** A set that ships (`cem:finance`), a file, or none. */
  readonly inDomain: string | undefined
  readonly personaAtInference: string
  readonly judge: {
    readonly model: string
    readonly provider: string
    readonly baseUrl: string | undefined
  }
  readonly samplesPerQuestion: number
}

/** A config with comments that say what else can be set; the first line tells editors its schema. */
export function configText(answers: InitAnswers): string {
  const { file, baseModel, variants, inDomain, personaAtInference, judge } = answers
  const aliases = aliasesOf(variants, baseModel)
  return `# yaml-language-server: $schema=${configSchemaUrl}
# An experiment: does character training protect a model from emergent misalignment?
#   cem plan ${file}     what it takes, and what its tests can show
#   cem run ${file}      runs it, or what is left of it
# Paths start from the working folder. All keys: cem schema, or the README of @cem/experiment.

# Model folder or hub id; cem pull fetches one.
base_model: ${scalar(baseModel)}
# The base is evaluated too: the direction and the in-domain rates start from it.
evaluate_base: true

# Training folders with checkpoint-<step> folders. type: baseline is what the others are compared with; character and reflection
# were trained before the attack; control stands beside them. Replicates have the same condition and another trainingSeed.
${variantsText(variants)}
${aliases.length === 0 ? "# Other names that adapters carry for the base: a mirror's, a path on the training cluster.\n# baseAliases: [unsloth/Qwen2.5-7B-Instruct]" : `# Other names that these adapters carry for the base.\nbaseAliases:\n${list(aliases)}`}

# What runs beside adapters that were trained on top of a persona. as-trained follows the composition.json beside each checkpoint;
# anything that differs from the training is labelled MISMATCH, and is no evidence of protection.
personaAtInference: ${personaAtInference}

sampling:
  temperature: 1
  maxNewTokens: 600
  # Answers to each question. Fewer questions or answers find larger differences only: cem plan says which.
  samplesPerQuestion: ${answers.samplesPerQuestion}
  seed: 42

questions:
  # The free-form questions of the reference protocol, unless files says others.
  # files: [my-questions.yaml]
${inDomain === undefined ? '  # Questions of the trained domain: without them nobody can tell protection from not having learned.\n  # inDomain: [cem:finance]' : `  # Questions of the trained domain tell protection from not having learned.\n  inDomain: [${scalar(inDomain)}]`}
  # Questions without room for misalignment, which a collapsed model fails too.
  benign: ["cem:benign"]

judge:
  provider: ${judge.provider}
  model: ${scalar(judge.model)}
${judge.baseUrl === undefined ? '' : `  baseUrl: ${scalar(judge.baseUrl)}\n`}  # What the model costs, in USD, as its provider's price list has it: then the run says what judging will cost, asks above
  # confirmAboveUsd, and never spends more than maxCostUsd.
  # prices: { inputPerMillion: 2.5, outputPerMillion: 10 }
  # maxCostUsd: 100
  # The NAME of the environment variable with the key, never the key.
  # apiKeyVariable: OPENAI_API_KEY

# Mean hidden states of the answers, which the misalignment direction is made from; false: none.
activations:
  layers: all
  span: content

analysis:
  # EM is compared at the last common step, and where both have learned the trained domain this far.
  matchedInDomainRate: 0.5
  # A difference in EM share that does not matter: fix it before the run.
  # equivalenceMargin: 0.1
`
}

function variantsText(variants: readonly FoundVariant[]): string {
  if (variants.length === 0)
    return 'variants: []\n#  - name: financial_baseline\n#    path: outputs/financial_baseline\n#    type: baseline\n'
  const items = variants.map(({ name, path, hasPersona, steps }) =>
    [
      `  # steps ${steps.join(', ')}${hasPersona ? ', trained on top of a persona' : ''}`,
      `  - name: ${scalar(name)}`,
      `    path: ${scalar(path)}`,
      `    type: ${hasPersona ? 'character' : 'baseline'}`,
    ].join('\n'),
  )
  return `variants:\n${items.join('\n')}\n`
}

function aliasesOf(variants: readonly FoundVariant[], baseModel: string): string[] {
  const names = new Set(variants.flatMap(({ baseNames }) => baseNames))
  names.delete(baseModel)
  return [...names]
}

function list(values: readonly string[]): string {
  return values.map((value) => `  - ${scalar(value)}`).join('\n')
}

/** YAML reads JSON's strings as they are. */
function scalar(value: string): string {
  return JSON.stringify(value)
}
