import { Text as InkText, type TextProps } from 'ink'
import type { ReactElement } from 'react'

/** As Ink's text, and colours may be undefined: a theme has none where the terminal has none. */
export type StyledTextProps = {
  readonly [Key in keyof TextProps]: TextProps[Key] | undefined
}

export function Text(props: StyledTextProps): ReactElement {
  const given = Object.fromEntries(Object.entries(props).filter(([, value]) => value !== undefined))
  return <InkText {...given} />
}
