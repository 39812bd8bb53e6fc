import { CemError } from '@cem/core'
import type { LinearModule } from '../families/architecture.ts'
import { echo } from '../model/echo.ts'
import type { AdapterConfig } from './adapter-config.ts'
import { expressionMatcher, type MatchExpression } from './match-expression.ts'

/** A linear module that an adapter changes: W + scale * B A. */
export interface AdaptedModule extends LinearModule {
  readonly rank: number
  /** alpha / rank, or alpha / sqrt(rank) for rank-stabilised LoRA (Kalajdzievski, arXiv 2312.03732). */
  readonly scale: number
}

/** Modules outside the blocks that PEFT can put an adapter on, and this package cannot run. */
const outsideBlocks = ['model.embed_tokens', 'lm_head']

/**
 * The modules that an adapter config means, with PEFT's rules: a list matches a module's name or the end of it after a dot, a
 * text is a regular expression for the whole name, `all-linear` is every linear module; `exclude_modules` wins;
 * `layers_to_transform` limits the layers, but not for a module that the list names by its whole path; keys of `rank_pattern`
 * and `alpha_pattern` are regular expressions for the end of the name, and the first that matches holds.
 *
 * @throws CemError `adapter-unsupported` for a broken expression, for adapters on the embeddings or the output head, or where
 *   no module matches
 */
export function matchModules(
  config: AdapterConfig,
  modules: readonly LinearModule[],
  file: string,
): AdaptedModule[] {
  const match = expressionMatcher(
    [...modules.map(({ path }) => path), ...outsideBlocks],
    (reason, cause) => invalid(file, reason, cause),
  )
  const isMatched = moduleMatcher(config, match, file)
  const outside = outsideBlocks.find((path) => !isAllLinear(config) && isMatched(path))
  if (outside !== undefined)
    throw invalid(
      file,
      `target_modules (${echo(config.target_modules)}) takes in ${outside}: adapters on the embeddings or the output head are not implemented; merge it with PEFT and load the merged model`,
    )
  const matched = modules.filter(({ path }) => isMatched(path))
  if (matched.length === 0)
    throw invalid(
      file,
      `target_modules (${echo(config.target_modules)}) and layers_to_transform match none of the model's linear modules, such as ${modules[0]?.path}`,
    )
  return matched.map((module) => {
    const rank = patternValue(config.rank_pattern, module.path, match) ?? config.r
    const alpha = patternValue(config.alpha_pattern, module.path, match) ?? config.lora_alpha
    return { ...module, rank, scale: config.use_rslora ? alpha / Math.sqrt(rank) : alpha / rank }
  })
}

function moduleMatcher(
  config: AdapterConfig,
  match: MatchExpression,
  file: string,
): (path: string) => boolean {
  const isExcluded = nameMatcher(config.exclude_modules ?? [], match)
  const isInLayers = layerMatcher(config, match, file)
  const targets = config.target_modules
  const isTarget = isAllLinear(config) ? () => true : nameMatcher(targets, match)
  const isWholePath = (path: string) => typeof targets !== 'string' && targets.includes(path)
  return (path) => !isExcluded(path) && (isWholePath(path) || (isTarget(path) && isInLayers(path)))
}

function isAllLinear({ target_modules: targets }: AdapterConfig): boolean {
  return typeof targets === 'string' && targets.toLowerCase() === 'all-linear'
}

function nameMatcher(
  targets: string | readonly string[],
  match: MatchExpression,
): (path: string) => boolean {
  if (targets === '') return () => false
  if (typeof targets === 'string') {
    const matched = match(`^(?:${targets})$`)
    return (path) => matched.has(path)
  }
  return (path) => targets.some((target) => path === target || path.endsWith(`.${target}`))
}

function layerMatcher(
  config: AdapterConfig,
  match: MatchExpression,
  file: string,
): (path: string) => boolean {
  const wanted = asList(config.layers_to_transform)
  const patterns = asList(config.layers_pattern).filter((name) => name !== '')
  if (wanted.length === 0 && patterns.length > 0)
    throw invalid(
      file,
      `layers_pattern is ${echo(config.layers_pattern)} without layers_to_transform`,
    )
  if (wanted.length === 0) return () => true
  if (typeof config.target_modules === 'string')
    throw invalid(file, 'layers_to_transform cannot go with target_modules as a regular expression')
  const expressions =
    patterns.length === 0
      ? [match('^.*?\\.[^.]*\\.(?<index>\\d+)\\.')]
      : patterns.map((name) => match(`^(?:(?:^|.*?\\.)${name}\\.(?<index>\\d+)\\.)`))
  return (path) => {
    for (const expression of expressions) {
      const index = expression.get(path)
      if (index !== undefined) return wanted.includes(Number(index))
    }
    return false
  }
}

function asList<T>(value: T | readonly T[] | null | undefined): readonly T[] {
  if (value === null || value === undefined) return []
  return Array.isArray(value) ? value : [value as T]
}

function patternValue(
  pattern: Readonly<Record<string, number>> | null | undefined,
  path: string,
  match: MatchExpression,
): number | undefined {
  for (const [key, value] of Object.entries(pattern ?? {}))
    if (match(`^(?:.*\\.)?(?:${key})$`).has(path)) return value
  return undefined
}

function invalid(file: string, reason: string, cause?: unknown): CemError {
  return new CemError({
    code: 'adapter-unsupported',
    message: `${file}: ${reason}.`,
    data: { file },
    cause,
  })
}
