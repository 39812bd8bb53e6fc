// Draws a recorded terminal screen as an SVG:
//   tmux capture-pane -p -e > screen.ansi
//   node docs/images/terminal-picture.mjs screen.ansi docs/images/terminal.svg [--light] [--title TEXT]
// Colours and styles are those of the recording; braille and blocks are drawn as shapes, so that no font is needed for them.
import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'

const cell = { width: 8.4, height: 18 }
const bar = 30
const margin = 12

const looks = {
  dark: { background: '#0d1117', text: '#e6edf3', frame: '#30363d', bar: '#161b22' },
  light: { background: '#ffffff', text: '#1f2328', frame: '#d1d9e0', bar: '#f6f8fa' },
}
const named = {
  dark: ['#484f58', '#ff7b72', '#3fb950', '#d29922', '#58a6ff', '#bc8cff', '#39c5cf', '#b1bac4'],
  light: ['#24292f', '#cf222e', '#116329', '#7d5800', '#0969da', '#8250df', '#1b7c83', '#6e7781'],
}

/** Of the 256 colours: the cube and the greys. */
function indexed(index, look) {
  if (index < 16) return named[look][index % 8]
  if (index >= 232) return rgb(Array(3).fill(8 + 10 * (index - 232)))
  const level = (n) => (n === 0 ? 0 : 55 + 40 * n)
  const i = index - 16
  return rgb([level(Math.floor(i / 36)), level(Math.floor(i / 6) % 6), level(i % 6)])
}

function rgb(values) {
  return `#${values.map((value) => Number(value).toString(16).padStart(2, '0')).join('')}`
}

const escapeCode = '\u001b'
const plain = { color: undefined, background: undefined, bold: false, dim: false, inverse: false }

/** Takes the numbers of one SGR sequence. */
function restyle(style, codes, look) {
  let next = { ...style }
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i]
    if (code === 0) next = { ...plain }
    else if (code === 1) next.bold = true
    else if (code === 2) next.dim = true
    else if (code === 7) next.inverse = true
    else if (code === 22) Object.assign(next, { bold: false, dim: false })
    else if (code === 27) next.inverse = false
    else if (code === 39) next.color = undefined
    else if (code === 49) next.background = undefined
    else if (code >= 30 && code <= 37) next.color = named[look][code - 30]
    else if (code >= 90 && code <= 97) next.color = named[look][code - 90]
    else if (code >= 40 && code <= 47) next.background = named[look][code - 40]
    else if (code === 38 || code === 48) {
      const key = code === 38 ? 'color' : 'background'
      if (codes[i + 1] === 5) {
        next[key] = indexed(codes[i + 2], look)
        i += 2
      } else {
        next[key] = rgb(codes.slice(i + 2, i + 5))
        i += 4
      }
    }
  }
  return next
}

/** The recording's lines as characters with their styles. */
function parse(text, look) {
  let style = { ...plain }
  return text
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => {
      const characters = []
      const pattern = new RegExp(
        `${escapeCode}\\[([\\d;]*)m|${escapeCode}\\[[\\d;?]*[A-Za-z]|([\\s\\S])`,
        'gu',
      )
      for (const [, codes, character] of line.matchAll(pattern)) {
        if (codes !== undefined) style = restyle(style, (codes || '0').split(';').map(Number), look)
        else if (character !== undefined) characters.push({ character, style })
      }
      return characters
    })
}

const escapes = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
const escaped = (text) => text.replaceAll(/[&<>"]/g, (one) => escapes[one])
const number = (value) => String(Number(value.toFixed(2)))

/** Dots of a braille character as bits of its code point: left column 1, 2, 3, 7, right column 4, 5, 6, 8. */
const dots = [
  [0, 0],
  [0, 1],
  [0, 2],
  [1, 0],
  [1, 1],
  [1, 2],
  [0, 3],
  [1, 3],
]

function shapeOf(character, x, y, fill) {
  const code = character.codePointAt(0)
  const rect = (left, top, width, height, opacity = 1) =>
    `<rect x="${number(x + left)}" y="${number(y + top)}" width="${number(width)}" height="${number(height)}" fill="${fill}"${opacity === 1 ? '' : ` opacity="${opacity}"`}/>`
  if (code >= 0x2800 && code <= 0x28ff)
    return dots
      .filter((_, bit) => ((code - 0x2800) >> bit) & 1)
      .map(
        ([column, row]) =>
          `<circle cx="${number(x + 2.1 + 4.2 * column)}" cy="${number(y + 2.25 + 4.5 * row)}" r="1.35" fill="${fill}"/>`,
      )
      .join('')
  const middle = { x: cell.width / 2, y: cell.height / 2 }
  if (character === '█') return rect(0, 2, cell.width + 0.3, cell.height - 4)
  if (character === '░') return rect(0, 2, cell.width + 0.3, cell.height - 4, 0.25)
  const line = {
    '│': [[middle.x, 0, 1, cell.height]],
    '─': [[0, middle.y, cell.width, 1]],
    '┤': [
      [middle.x, 0, 1, cell.height],
      [0, middle.y, middle.x, 1],
    ],
    '┬': [
      [0, middle.y, cell.width, 1],
      [middle.x, middle.y, 1, middle.y],
    ],
    '└': [
      [middle.x, 0, 1, middle.y],
      [middle.x, middle.y, middle.x, 1],
    ],
  }[character]
  return line?.map(([left, top, width, height]) => rect(left, top, width, height)).join('')
}

/** Neighbours in one style, apart where a character is drawn as a shape or may have another width in some font. */
function runsOf(characters) {
  const runs = []
  for (const [at, { character, style }] of characters.entries()) {
    const isPlain = /^[ -~]$/.test(character)
    const last = runs.at(-1)
    if (isPlain && last?.isPlain && last.style === style) last.text += character
    else runs.push({ at, text: character, style, isPlain })
  }
  return runs
}

function drawRun({ at, text, style, isPlain }, row, look) {
  const x = margin + at * cell.width
  const y = bar + margin + row * cell.height
  const ink = style.color ?? look.text
  const [color, background] = style.inverse
    ? [style.background ?? look.background, ink]
    : [ink, style.background]
  const width = Array.from(text).length * cell.width
  const back =
    background === undefined
      ? ''
      : `<rect x="${number(x)}" y="${number(y)}" width="${number(width + 0.3)}" height="${cell.height}" fill="${background}"/>`
  if (text.trim() === '') return back
  const shape = isPlain ? undefined : shapeOf(text, x, y, color)
  if (shape !== undefined) return back + shape
  const attributes = [
    `x="${number(x)}"`,
    `y="${number(y + 13.5)}"`,
    `fill="${color}"`,
    ...(isPlain ? [`textLength="${number(width)}"`] : []),
    ...(style.bold ? ['font-weight="bold"'] : []),
    ...(style.dim ? ['opacity="0.62"'] : []),
  ]
  return `${back}<text ${attributes.join(' ')} xml:space="preserve">${escaped(text)}</text>`
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { light: { type: 'boolean' }, title: { type: 'string' } },
})
const [input, output] = positionals
if (input === undefined || output === undefined) {
  console.error(
    'usage: node terminal-picture.mjs RECORDING.ansi PICTURE.svg [--light] [--title TEXT]',
  )
  process.exit(2)
}
const name = values.light ? 'light' : 'dark'
const look = looks[name]
const lines = parse(readFileSync(input, 'utf8'), name)
const columns = Math.max(...lines.map((line) => line.length))
const width = Math.ceil(2 * margin + columns * cell.width)
const height = Math.ceil(bar + 2 * margin + lines.length * cell.height)
const title = escaped(values.title ?? 'cem')
const buttons = ['#ff5f56', '#ffbd2e', '#27c93f']
writeFileSync(
  output,
  [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">`,
    `<rect width="${width}" height="${height}" rx="8" fill="${look.background}" stroke="${look.frame}"/>`,
    `<path d="M0 ${bar}V8a8 8 0 0 1 8-8H${width - 8}a8 8 0 0 1 8 8V${bar}z" fill="${look.bar}"/>`,
    ...buttons.map((fill, i) => `<circle cx="${20 + 18 * i}" cy="15" r="5.5" fill="${fill}"/>`),
    `<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14">`,
    `<text x="${width / 2}" y="20" fill="${look.text}" opacity="0.7" text-anchor="middle">${title}</text>`,
    ...lines.map((line, row) =>
      runsOf(line)
        .map((run) => drawRun(run, row, look))
        .join(''),
    ),
    '</g>',
    '</svg>',
    '',
  ].join('\n'),
)
