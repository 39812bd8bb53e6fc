import { createContext, useContext } from 'react'
import { type Heat, heatOf } from './heat.ts'

export type ThemeName = 'dark' | 'light'

/** What the colours of the screen mean; a part may be missing where a terminal has none. */
export interface Theme {
  readonly name: ThemeName
  /** Without it, everything that colour says is said in characters too. */
  readonly hasColour: boolean
  readonly accent: string | undefined
  readonly good: string | undefined
  readonly caution: string | undefined
  readonly bad: string | undefined
  readonly special: string | undefined
  /** Lines of the curves. */
  readonly series: readonly string[]
  /** Background and text of an EM share; undefined where a terminal has too few colours. */
  readonly heat: (share: number) => Heat | undefined
  /** Text of an EM share where there is no heat. */
  readonly shareColour: (share: number) => string | undefined
}

/**
 * Okabe and Ito, "Color universal design" (2008), as in the figures; its dark colours are exchanged on a dark background, its
 * yellow on a light one.
 */
const seriesColours: Readonly<Record<ThemeName, readonly string[]>> = {
  dark: ['#56b4e9', '#e69f00', '#2fc48d', '#cc79a7', '#f0e442', '#d55e00', '#b39ddb', '#ffffff'],
  light: ['#0072b2', '#d55e00', '#009e73', '#a8457d', '#9a6700', '#2a7fb8', '#882255', '#000000'],
}
const namedSeries = ['cyan', 'yellow', 'green', 'magenta', 'blue', 'red', 'white', 'gray']

const named = {
  dark: { accent: 'cyan', good: 'green', caution: 'yellow', bad: 'red', special: 'magenta' },
  // Yellow and cyan are hardly seen on white.
  light: { accent: 'blue', good: 'green', caution: 'magenta', bad: 'red', special: 'magenta' },
} as const
const rich = {
  dark: {
    accent: '#56b4e9',
    good: '#2fc48d',
    caution: '#e6b400',
    bad: '#ff6b5e',
    special: '#d79adf',
  },
  light: {
    accent: '#005f9e',
    good: '#00704f',
    caution: '#8a5a00',
    bad: '#b3261e',
    special: '#7a2e86',
  },
} as const

/**
 * @param colourDepth bits of a colour, as `WriteStream.getColorDepth` has them: 1 is none
 */
export function makeTheme(name: ThemeName, colourDepth: number): Theme {
  const hasColour = colourDepth >= 4
  const isRich = colourDepth >= 8
  const none = { accent: undefined, good: undefined, caution: undefined, bad: undefined }
  const colours = hasColour ? (isRich ? rich : named)[name] : { ...none, special: undefined }
  return {
    name,
    hasColour,
    ...colours,
    series: !hasColour ? [] : isRich ? seriesColours[name] : namedSeries,
    heat: (share) => (isRich ? heatOf(share, name) : undefined),
    shareColour: (share) =>
      share < 0.05 ? colours.good : share < 0.2 ? colours.caution : colours.bad,
  }
}

const ThemeContext = createContext<Theme>(makeTheme('dark', 4))
export const ThemeProvider = ThemeContext.Provider

export function useTheme(): Theme {
  return useContext(ThemeContext)
}
