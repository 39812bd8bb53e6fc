import { createHash } from 'node:crypto'
import { CemError, messageOf } from '@cem/core'
import { hasLightInks } from '../dark-inks.ts'
import { renderSvg } from '../render.ts'
import { expressionScript } from './expression-script.ts'
import { pageScript } from './page-script.ts'
import { pageStyle } from './page-style.ts'
import type {
  ReportAnswers,
  ReportCell,
  ReportData,
  ReportFigure,
  ReportNotice,
  ReportTable,
} from './report-data.ts'
import { compileSpec, readVegaRuntime } from './vega-runtime.ts'
import { escapeHtml, scriptJson, visibleText } from './visible-text.ts'

/**
 * A report as one HTML file that needs no network. Figures are drawn twice: as SVG in the page, and by Vega, which is in the page
 * too, where scripts may run. Everything that comes from the data is text: no markup, no control character of it acts. A content
 * security policy forbids all other scripts, handlers in attributes, `eval` and every request.
 *
 * @throws CemError `plot-render-failed` for a figure that cannot be drawn
 */
export async function renderReportHtml(data: ReportData): Promise<string> {
  const vega = await readVegaRuntime()
  const scripts = [vega.script, expressionScript + pageScript].map(scriptText)
  const figures: string[] = []
  for (const [i, figure] of data.figures.entries()) figures.push(await figureHtml(figure, i))
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policyOf(scripts)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex, noai">
<meta name="referrer" content="no-referrer">
<title>${escapeHtml(data.title)}</title>
<style>${pageStyle}</style>
</head>
<body>
<a class="skip" href="#main">To the content</a>
<header>
<button type="button" id="theme" hidden>Light / dark</button>
<h1>${escapeHtml(data.title)}</h1>
<p class="quiet">${escapeHtml(data.subtitle)}</p>
<p class="canary">${escapeHtml(data.canary)}</p>
<nav aria-label="Sections"><ul>${sections.map(([id, name]) => `<li><a href="#${id}">${name}</a></li>`).join('')}</ul></nav>
</header>
<main id="main">
${sectionHtml('warnings', noticesHtml(data.notices))}
${sectionHtml('results', data.results.map(tableHtml).join('\n') || '<p>There are no results yet.</p>')}
${sectionHtml('composition', data.composition.map(tableHtml).join('\n'))}
${sectionHtml('figures', figuresHtml(figures))}
${sectionHtml('answers', answersHtml(data.answers))}
${sectionHtml('methods', data.methods.map(({ heading, text }) => `<h3>${escapeHtml(heading)}</h3>\n<p>${escapeHtml(text)}</p>`).join('\n'))}
${sectionHtml('citation', `<button type="button" data-copy="bibtex" hidden>Copy</button>\n<pre id="bibtex" tabindex="0" aria-label="BibTeX">${escapeHtml(data.bibtex)}</pre>`)}
${sectionHtml('lock', `<details><summary>lock.json</summary><pre tabindex="0" aria-label="The lock file">${escapeHtml(data.lock)}</pre></details>`)}
</main>
<footer><details><summary>Licence of Vega, which draws the figures</summary><pre>${escapeHtml(vega.license)}</pre></details></footer>
<div id="tip" role="tooltip" hidden></div>
<script type="application/json" id="variant-names">${scriptJson(variantsOf(data).map(visibleText))}</script>
<script type="application/json" id="answer-rows">${scriptJson(visibleAnswers(data.answers))}</script>
${scripts.map((script) => `<script>${script}</script>`).join('\n')}
</body>
</html>
`
}

const sections = [
  ['warnings', 'Warnings'],
  ['results', 'Key results'],
  ['composition', 'What was run'],
  ['figures', 'Figures'],
  ['answers', 'Answers'],
  ['methods', 'Methods'],
  ['citation', 'Citation'],
  ['lock', 'Lock'],
] as const

function sectionHtml(id: (typeof sections)[number][0], content: string): string {
  const name = sections.find(([own]) => own === id)?.[1] ?? id
  return `<section id="${id}" aria-labelledby="${id}-heading">\n<h2 id="${id}-heading">${name}</h2>\n${content}\n</section>`
}

/** A script as it stands in its element, which it must not end. */
function scriptText(script: string): string {
  return script.replaceAll(/<(?=\/script|!--|script)/gi, '\\x3c')
}

function policyOf(scripts: readonly string[]): string {
  const hashes = scripts.map(
    (script) => `'sha256-${createHash('sha256').update(script).digest('base64')}'`,
  )
  return [
    "default-src 'none'",
    `script-src ${hashes.join(' ')}`,
    "style-src 'unsafe-inline'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')
}

function noticesHtml(notices: readonly ReportNotice[]): string {
  if (notices.length === 0) return '<p>None: no check found anything.</p>'
  const items = notices.map(({ level, code, message, about }) => {
    const cells = about.length === 0 ? '' : `<p class="about">${escapeHtml(aboutText(about))}</p>`
    const word = level === 'alarm' ? 'Alarm' : 'Note'
    return `<li class="${level === 'alarm' ? 'alarm' : 'note'}"><span class="code">${word}: ${escapeHtml(code)}</span><p>${escapeHtml(message)}</p>${cells}</li>`
  })
  return `<ul class="notices">\n${items.join('\n')}\n</ul>`
}

/** The first of many names, and how many more there are. */
export function aboutText(about: readonly string[]): string {
  const shown = about.slice(0, 12).join(', ')
  return about.length > 12 ? `${shown} and ${about.length - 12} more` : shown
}

/** Longer tables are folded, so that what comes after them is found. */
const longestOpenTable = 14

function tableHtml({ title, caption, columns, rows }: ReportTable): string {
  const isLong = rows.length > longestOpenTable
  const head = columns.map((name) => `<th scope="col">${escapeHtml(name)}</th>`).join('')
  const body = rows.map(
    (row) => `<tr>${row.map((cell, i) => cellHtml(cell, i === 0)).join('')}</tr>`,
  )
  const note = caption === undefined ? '' : `<p>${escapeHtml(caption)}</p>`
  const heading = `<h3>${escapeHtml(title)}</h3>`
  const [before, after] = isLong
    ? [
        `<details class="long"><summary>${heading} <span class="quiet">${rows.length} rows</span></summary>`,
        '</details>',
      ]
    : ['', '']
  return `${before}<div class="scroll" tabindex="0" role="region" aria-label="${escapeHtml(title)}"><table>
<caption>${isLong ? '' : heading}${note}</caption>
<thead><tr>${head}</tr></thead>
<tbody>
${body.join('\n')}
</tbody>
</table></div>${after}`
}

function cellHtml(cell: ReportCell, isName: boolean): string {
  const { text, note, tone } = typeof cell === 'string' ? { text: cell } : cell
  const content = tone === 'code' ? `<code>${escapeHtml(text)}</code>` : escapeHtml(text)
  const small = note === undefined ? '' : `<small>${escapeHtml(note)}</small>`
  const look = tone === 'alarm' ? ' class="alarm"' : tone === 'quiet' ? ' class="quiet"' : ''
  return isName
    ? `<th scope="row"${look}>${content}${small}</th>`
    : `<td${look}>${content}${small}</td>`
}

/** Characters of a drawing. */
const longestStill = 400_000

async function figureHtml(
  { title, spec, name, isHidden = false }: ReportFigure,
  index: number,
): Promise<string> {
  const svg = await renderSvg(spec)
  // A cloud of thousands of points would be in the file twice, once in many times the size.
  const still =
    svg.length <= longestStill
      ? svg
      : '<noscript><p>This figure is drawn by a script, and scripts are off.</p></noscript>'
  let compiled: object
  try {
    compiled = await compileSpec(spec)
  } catch (error) {
    throw new CemError({
      code: 'plot-render-failed',
      message: `The figure ${name} cannot be compiled for the page: ${messageOf(error)}`,
      data: { name },
      cause: error,
    })
  }
  const id = `figure-${index}`
  const [before, after] = isHidden
    ? [
        `<details><summary>Show “${escapeHtml(title)}” (its answers may be harmful)</summary>`,
        '</details>',
      ]
    : ['', '']
  return `<figure aria-labelledby="${id}-title">
<h3 id="${id}-title"${'title' in spec ? ' class="unseen"' : ''}>${escapeHtml(title)}</h3>
${before}<div class="frame${hasLightInks(spec) ? ' themed' : ''}" data-figure="${id}" tabindex="0" role="group" aria-labelledby="${id}-title">${still}</div>${after}
<script type="application/json" id="${id}">${scriptJson(compiled)}</script>
</figure>`
}

function figuresHtml(figures: readonly string[]): string {
  if (figures.length === 0) return '<p>No figure could be drawn from what there is.</p>'
  return `<div hidden><p class="quiet">Values appear under the pointer. A variant that is chosen here stands out in all figures.</p><div class="chips" id="variants" role="group" aria-label="Variants that stand out"></div></div>\n${figures.join('\n')}`
}

function answersHtml({ caption, rows }: ReportAnswers): string {
  if (rows.length === 0) return `<p>${escapeHtml(caption)}</p>`
  const choice = (name: string, label: string) =>
    `<label>${label}<select name="${name}"><option value="">all</option></select></label>`
  return `<p>${escapeHtml(caption)}</p>
<noscript><p>The answers are shown by a script, and scripts are off.</p></noscript>
<form id="answer-controls" hidden>
<label>Search<input type="search" name="search" autocomplete="off" placeholder="words of question or answer"></label>
${choice('label', 'Label')}
${choice('variant', 'Variant')}
${choice('step', 'Step')}
${choice('question', 'Question')}
<label>Order<select name="order"><option value="drawn">as drawn</option><option value="aligned-up">least aligned first</option><option value="aligned-down">most aligned first</option><option value="coherent-up">least coherent first</option></select></label>
<label class="check"><input type="checkbox" name="reveal">Show harmful answers</label>
<button type="reset">Reset</button>
</form>
<p id="answer-count" class="quiet" role="status"></p>
<div id="answer-list"></div>
<button type="button" id="answer-more" hidden>Show more</button>`
}

function visibleAnswers({ rows }: ReportAnswers) {
  return rows.map((row) => ({
    ...row,
    variant: visibleText(row.variant),
    question: visibleText(row.question),
    wording: visibleText(row.wording),
    text: visibleText(row.text),
    label: visibleText(row.label),
  }))
}

/** Variants that the figures' data name. */
function variantsOf({ figures }: ReportData): string[] {
  const found = new Set<string>()
  const look = (value: unknown): void => {
    if (Array.isArray(value)) for (const item of value) look(item)
    else if (typeof value === 'object' && value !== null)
      for (const [key, item] of Object.entries(value))
        if (key === 'variant' && typeof item === 'string') found.add(item)
        else look(item)
  }
  for (const { spec } of figures) look([spec, 'datasets' in spec ? spec.datasets : []])
  return [...found]
}
