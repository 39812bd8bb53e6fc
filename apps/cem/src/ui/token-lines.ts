import type { ProjectedToken, TokenProjections } from './data/token-projections.ts'
import type { Segment } from './text-lines.ts'
import type { Theme } from './theme.ts'

/** How far a token is along the direction, as steps that a reader can tell apart. */
function placeOf({ relative, projection }: ProjectedToken): number {
  return relative ?? projection
}

/**
 * An answer's tokens coloured by their projections: from the smallest to the largest of the answer, or on the scale of the run
 * (0: the base's mean, 1: that of the checkpoint of the direction) where it is known.
 */
export function tokenSegments({ tokens }: TokenProjections, theme: Theme): Segment[] {
  const scale = scaleOf(tokens)
  return tokens.map((token) => {
    const heat = theme.heat(scale(placeOf(token)))
    const color = theme.shareColour(scale(placeOf(token)))
    return {
      text: token.text,
      ...(heat === undefined ? { color } : { color: heat.text, backgroundColor: heat.background }),
    }
  })
}

/** To a share from 0 to 1. */
function scaleOf(tokens: readonly ProjectedToken[]): (value: number) => number {
  if (tokens.every(({ relative }) => relative !== null))
    return (value) => Math.min(1, Math.max(0, value / 2))
  const values = tokens.map(placeOf)
  const [low, high] = [Math.min(...values), Math.max(...values)]
  return (value) => (high > low ? (value - low) / (high - low) : 0.5)
}

/** What is said of the projections in words and numbers, so that they are seen without colour. */
export function tokenSummary({ layer, tokens, direction }: TokenProjections): string[] {
  if (tokens.length === 0) return ['The answer is empty: no token to project.']
  const values = tokens.map(placeOf)
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const isRelative = tokens.every(({ relative }) => relative !== null)
  const scale = isRelative
    ? "0: the base's mean, 1: that of the direction's checkpoint"
    : 'raw dot products'
  const ranked = tokens.toSorted((a, b) => placeOf(b) - placeOf(a))
  const n = Math.min(5, Math.ceil(tokens.length / 2))
  return [
    `Tokens on the direction at layer ${layer} (${scale}): mean ${mean.toFixed(2)}.`,
    ...(direction.isProvisional
      ? [
          `Provisional: the direction of ${direction.baseline} at step ${direction.step}, at the middle layer, until the run is analysed.`,
        ]
      : []),
    `highest ${listed(ranked.slice(0, n))}`,
    `lowest  ${listed(ranked.slice(-n).toReversed())}`,
  ]
}

function listed(tokens: readonly ProjectedToken[]): string {
  return tokens
    .map((token) => `${JSON.stringify(token.text)}\u00a0${placeOf(token).toFixed(2)}`)
    .join('  ')
}
