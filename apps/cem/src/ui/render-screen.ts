import { render } from 'ink'
import type { ReactElement } from 'react'

/** Puts an app on the terminal's other screen; lines that did not change are not written again. */
export function renderScreen(element: ReactElement): ReturnType<typeof render> {
  // Keys that were pressed before are echoed on the terminal's line, and what is drawn would begin behind them.
  if (process.stdin.isTTY) process.stdin.setRawMode(true)
  process.stdout.write('\r')
  return render(element, {
    alternateScreen: true,
    incrementalRendering: true,
    maxFps: 15,
    exitOnCtrlC: false,
    // Whoever asks for a screen has a terminal, also where CI is set in its environment.
    interactive: true,
  })
}
