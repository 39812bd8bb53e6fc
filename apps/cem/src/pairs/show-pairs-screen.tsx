import { renderScreen } from '../ui/render-screen.ts'
import { PairsApp, type PairsAppProps } from './pairs-app.tsx'

/** Shows pairs on a screen of their own until the person quits. */
export async function showPairsScreen(props: PairsAppProps): Promise<void> {
  await renderScreen(<PairsApp {...props} />).waitUntilExit()
}
