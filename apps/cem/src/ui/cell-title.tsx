import { Box } from 'ink'
import type { ReactElement } from 'react'
import type { CellView } from '../run-view.ts'
import { percent, terminalText } from '../terminal-text.ts'
import { Text } from './text.tsx'
import { useTheme } from './theme.ts'

/** Which cell, in which composition, with its EM rate and what speaks against it. */
export function CellTitle({ cell }: { readonly cell: CellView }): ReactElement {
  const theme = useTheme()
  const { cell: plan, metrics, failure } = cell
  const em = metrics?.main.em
  const adapters = plan.layers
    .filter(({ mode }) => mode !== 'off')
    .map(({ role, mode }) => `${role} ${mode}`)
    .join(' + ')
  return (
    <Box flexDirection="column" flexShrink={0}>
      <Text bold wrap="truncate">
        {terminalText(plan.variant)} at step {plan.step}
        {em === undefined
          ? ''
          : ` · EM ${percent(em.estimate, 1)} (${percent(em.low, 1)} to ${percent(em.high, 1)}, n ${em.n})`}
        {cell.isCollapsed ? <Text color={theme.special}> · EM NOT COMPARABLE: collapsed</Text> : ''}
      </Text>
      <Text wrap="truncate" dimColor={plan.match === 'as-trained'}>
        {adapters === '' ? 'the base alone' : adapters} · persona {plan.persona}
        {plan.match === 'as-trained' ? '' : <Text color={theme.bad}> · {plan.match}</Text>}
      </Text>
      {failure === null ? null : (
        <Text color={theme.bad} wrap="truncate">
          FAILED: {terminalText(failure)}
        </Text>
      )}
    </Box>
  )
}

/** Lines that a title takes. */
export function titleHeight({ failure }: CellView): number {
  return failure === null ? 2 : 3
}
