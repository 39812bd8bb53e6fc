import { askBackground } from './ask-background.ts'
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

export interface ThemeOptions {
  readonly environment?: Environment
  readonly colourDepth?: number
  /** Asks the terminal itself. */
  readonly ask?: () => Promise<ThemeName | undefined>
}

/** The theme that was asked for, by flag or `CEM_THEME`, else that of the terminal's background as far as it tells. */
export async function themeOf(
  asked: string | undefined,
  {
    environment = process.env,
    colourDepth = process.stdout.getColorDepth?.() ?? 1,
    ask = () => askBackground(),
  }: ThemeOptions = {},
): Promise<Theme> {
  const known = knownTheme(asked ?? environment['CEM_THEME'], environment)
  // Without colours the two are one.
  const name = known ?? (colourDepth >= 4 ? await ask() : undefined) ?? 'dark'
  return makeTheme(name, colourDepth)
}

function knownTheme(asked: string | undefined, environment: Environment): ThemeName | undefined {
  if (asked === 'light' || asked === 'dark') return asked
  // Set by rxvt, Konsole, iTerm and others, as `foreground;background`: 7 and 15 are white.
  const background = environment['COLORFGBG']?.split(';').at(-1)
  if (background === undefined) return undefined
  return background === '7' || background === '15' ? 'light' : 'dark'
}
