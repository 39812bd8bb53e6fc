import { render } from 'ink'
import { LabelApp, type LabelAppProps } from './label-app.tsx'

/** Shows the labelling until the person quits; throws what writing a label threw. */
export async function showLabelling({
  steps,
  onLabel,
}: Pick<LabelAppProps, 'steps' | 'onLabel'>): Promise<void> {
  let failure: unknown
  const app = render(
    <LabelApp
      steps={steps}
      onLabel={onLabel}
      onEnd={(error) => {
        failure = error
      }}
    />,
    { alternateScreen: true, exitOnCtrlC: false },
  )
  await app.waitUntilExit()
  if (failure !== undefined) throw failure
}
