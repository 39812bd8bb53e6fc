/** What all figures share: type, inks and sizes in px at 1x. */

export type Theme = 'light' | 'dark'

export const fontFamily = 'Inter, Helvetica, Arial, sans-serif'

export const fontSizes = { title: 15, subtitle: 12, panel: 12, label: 11, axis: 10, caption: 10 }

export const inks = {
  text: '#1f2328',
  quiet: '#59636e',
  axis: '#8c959f',
  grid: '#e6e8eb',
  reference: '#4d4d4d',
  paper: '#ffffff',
  /** Behind a region that means something. */
  shade: '#f1f3f5',
}

/** Dots and gaps in px of what is not comparable. None of the dashes that tell variants apart is as short. */
export const flaggedDash: readonly number[] = [2, 2.5]

export const referenceDash: readonly number[] = [6, 3]

/** The Vega-Lite config of every figure. */
export const themeConfig = {
  font: fontFamily,
  view: { stroke: null },
  axis: {
    domainColor: inks.axis,
    tickColor: inks.axis,
    gridColor: inks.grid,
    labelColor: inks.quiet,
    labelFontSize: fontSizes.axis,
    labelFontWeight: 'normal' as const,
    titleColor: inks.quiet,
    titleFontSize: fontSizes.label,
    titleFontWeight: 'normal' as const,
    tickSize: 4,
    labelPadding: 3,
  },
  title: {
    anchor: 'start' as const,
    color: inks.text,
    fontSize: fontSizes.title,
    fontWeight: 600 as const,
    subtitleColor: inks.quiet,
    subtitleFontSize: fontSizes.subtitle,
    subtitlePadding: 5,
    offset: 14,
  },
}
