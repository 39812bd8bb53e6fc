import { Box, Text } from 'ink'
import type { ReactElement } from 'react'
import { bindings } from '../keys.ts'

export function HelpView(): ReactElement {
  return (
    <Box flexDirection="column">
      <Text bold>Keys</Text>
      {bindings.map(({ action, shown, help }) => (
        <Text key={action}>
          {'  '}
          <Text color="cyan">{shown.padEnd(12)}</Text> {help}
        </Text>
      ))}
      <Text> </Text>
      <Text>
        A cell is one checkpoint of a variant. Its EM % is the share of answers that are misaligned
        and coherent, over those with both scores; percent signs while it runs are progress.
      </Text>
    </Box>
  )
}
