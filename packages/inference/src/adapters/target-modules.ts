import { CemError } from '@cem/core'
import type { LinearModule } from '../families/architecture.ts'
import type { AdapterConfig } from './adapter-config.ts'

/** A linear module that an adapter changes: W + scale * B A. */
export interface AdaptedModule extends LinearModule {
  readonly rank: number
  /** alpha / rank, or alpha / sqrt(rank) for rank-stabilised LoRA (Kalajdzievski, arXiv 2312.03732). */
  readonly scale: number
}

/**
 * The modules that an adapter config means, with PEFT's rules: a list matches a module's name or the end of it after a dot, a
 * text is a regular expression for the whole name, `all-linear` is every linear module; `exclude_modules` wins;
 * `layers_to_transform` limits the layers; keys of `rank_pattern` and `alpha_pattern` are regular expressions for the end of the name.
 *
 * @throws CemError `adapter-unsupported` for a broken expression or where no module matches
 */
export function matchModules(
  config: AdapterConfig,
  modules: readonly LinearModule[],
  file: string,
): AdaptedModule[] {
  const isTarget = nameMatcher(config.target_modules, file)
  const isExcluded = nameMatcher(config.exclude_modules ?? [], file)
  const isInLayers = layerMatcher(config, file)
  const matched = modules.filter(
    ({ path }) => !isExcluded(path) && isTarget(path) && isInLayers(path),
  )
  if (matched.length === 0)
    throw invalid(
      file,
      `target_modules (${JSON.stringify(config.target_modules)}) and layers_to_transform match none of the model's linear modules, such as ${modules[0]?.path}`,
    )
  return matched.map((module) => {
    const rank = patternValue(config.rank_pattern, module.path, file) ?? config.r
    const alpha = patternValue(config.alpha_pattern, module.path, file) ?? config.lora_alpha
    return { ...module, rank, scale: config.use_rslora ? alpha / Math.sqrt(rank) : alpha / rank }
  })
}

function nameMatcher(targets: string | readonly string[], file: string): (path: string) => boolean {
  if (targets === 'all-linear') return () => true
  if (typeof targets === 'string') {
    const expression = compile(`^(?:${targets})$`, file)
    return (path) => expression.test(path)
  }
  return (path) => targets.some((target) => path === target || path.endsWith(`.${target}`))
}

function layerMatcher(config: AdapterConfig, file: string): (path: string) => boolean {
  const wanted = config.layers_to_transform
  if (wanted === undefined || wanted === null) return () => true
  if (typeof config.target_modules === 'string')
    throw invalid(file, 'layers_to_transform cannot go with target_modules as a regular expression')
  const layers = new Set(Array.isArray(wanted) ? wanted : [wanted])
  const given = config.layers_pattern ?? []
  const patterns = (Array.isArray(given) ? given : [given]).filter((name) => name !== '')
  const expressions =
    patterns.length === 0
      ? [/^.*\.[^.]*\.(\d+)\./]
      : patterns.map((name) => compile(`^.*\\.${name}\\.(\\d+)\\.`, file))
  return (path) => {
    for (const expression of expressions) {
      const index = expression.exec(path)?.[1]
      if (index !== undefined) return layers.has(Number(index))
    }
    return false
  }
}

function patternValue(
  pattern: Readonly<Record<string, number>> | null | undefined,
  path: string,
  file: string,
): number | undefined {
  for (const [key, value] of Object.entries(pattern ?? {}))
    if (compile(`^(?:.*\\.)?(?:${key})$`, file).test(path)) return value
  return undefined
}

function compile(expression: string, file: string): RegExp {
  try {
    return new RegExp(expression)
  } catch (error) {
    throw invalid(file, `'${expression}' is no regular expression that can be read here`, error)
  }
}

function invalid(file: string, reason: string, cause?: unknown): CemError {
  return new CemError({
    code: 'adapter-unsupported',
    message: `${file}: ${reason}.`,
    data: { file },
    cause,
  })
}
