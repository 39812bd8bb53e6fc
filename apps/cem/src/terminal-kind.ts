import { makeTheme, type Theme, type ThemeName } from './ui/theme.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** Whether there is a terminal that a live screen can be drawn on, and nobody asked for plain lines. */
export function wantsScreen(
  { plain, json }: { readonly plain?: boolean | undefined; readonly json?: boolean | undefined },
  environment: Environment = process.env,
): boolean {
  if (plain === true || json === true) return false
  if (!process.stdin.isTTY || !process.stdout.isTTY) return false
  // A screen reader reads lines; what is drawn over and over is noise to it.
  const isRead = environment['INK_SCREEN_READER'] === 'true'
  const isPlain = (environment['CEM_PLAIN'] ?? '') !== ''
  return !isRead && !isPlain && environment['TERM'] !== 'dumb'
}

/** The theme that was asked for, by flag or `CEM_THEME`, else that of the terminal's background as far as it tells. */
export function themeOf(
  asked: string | undefined,
  {
    environment = process.env,
    colourDepth = process.stdout.getColorDepth?.() ?? 1,
  }: {
    readonly environment?: Environment
    readonly colourDepth?: number
  } = {},
): Theme {
  return makeTheme(themeName(asked ?? environment['CEM_THEME'], environment), colourDepth)
}

function themeName(asked: string | undefined, environment: Environment): ThemeName {
  if (asked === 'light' || asked === 'dark') return asked
  // Set by rxvt, Konsole, iTerm and others, as `foreground;background`: 7 and 15 are white.
  const background = environment['COLORFGBG']?.split(';').at(-1)
  return background === '7' || background === '15' ? 'light' : 'dark'
}
