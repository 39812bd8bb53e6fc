/** What makes a report's page interactive: figures, answers, the theme's button. Runs in the browser, after Vega. */
export const pageScript = String.raw`
const byId = (id) => document.getElementById(id)
const make = (tag, className, text) => {
  const element = document.createElement(tag)
  if (className) element.className = className
  if (text !== undefined) element.textContent = text
  return element
}
const dataOf = (id) => JSON.parse(byId(id).textContent)

// Theme: the system's, until the button is used.
const isDark = () => {
  const chosen = document.documentElement.style.colorScheme
  return chosen ? chosen === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches
}
byId('theme').hidden = false
byId('theme').addEventListener('click', () => {
  document.documentElement.style.colorScheme = isDark() ? 'light' : 'dark'
})

// Figures: a drawing is in the page already, and is replaced where Vega can draw.
const tip = byId('tip')
function showTip(_handler, event, _item, value) {
  tip.hidden = value === null || value === undefined || value === ''
  if (tip.hidden) return
  tip.replaceChildren()
  if (typeof value === 'object') {
    const list = make('dl')
    for (const [name, content] of Object.entries(value)) list.append(make('dt', '', name), make('dd', '', String(content)))
    tip.append(list)
  } else tip.textContent = String(value)
  const { clientWidth, clientHeight } = document.documentElement
  tip.style.left = Math.max(4, Math.min(event.clientX + 14, clientWidth - tip.offsetWidth - 8)) + 'px'
  tip.style.top = Math.max(4, Math.min(event.clientY + 14, clientHeight - tip.offsetHeight - 8)) + 'px'
}
const drawn = []
for (const frame of document.querySelectorAll('[data-figure]')) {
  const still = frame.querySelector('svg')
  const target = make('div', 'live')
  try {
    const runtime = vega.parse(dataOf(frame.dataset.figure), undefined, { ast: true })
    const view = new vega.View(runtime, {
      container: target, renderer: 'svg', hover: true, expr: expressionInterpreter, logLevel: vega.Error,
    }).tooltip(showTip)
    drawn.push(view.runAsync().then(() => {
      if (still) still.replaceWith(target)
      else frame.append(target)
      frame.dataset.state = 'live'
    }).catch((error) => { frame.dataset.state = 'still: ' + error.message }))
  } catch (error) { frame.dataset.state = 'still: ' + error.message }
}
const settled = Promise.all(drawn)

// A variant of the reader's choice stands out in all figures.
const chosenVariants = new Set()
function dim() {
  for (const element of document.querySelectorAll('[data-figure] .live svg *')) {
    const { datum } = element.__data__ ?? {}
    const variant = datum && datum.variant
    if (typeof variant !== 'string') continue
    element.classList.toggle('dimmed', chosenVariants.size > 0 && !chosenVariants.has(variant))
  }
}
const chips = byId('variants')
for (const variant of chips ? dataOf('variant-names') : []) {
  const chip = make('button', 'chip', variant)
  chip.type = 'button'
  chip.setAttribute('aria-pressed', 'false')
  chip.addEventListener('click', () => {
    if (!chosenVariants.delete(variant)) chosenVariants.add(variant)
    chip.setAttribute('aria-pressed', String(chosenVariants.has(variant)))
    dim()
  })
  chips.append(chip)
}
settled.then(() => {
  if (chips) chips.parentElement.hidden = document.querySelector('[data-state="live"]') === null
  document.documentElement.dataset.ready = 'yes'
})

// Answers: everything of them goes into the page as text.
const answers = dataOf('answer-rows')
const controls = byId('answer-controls')
const list = byId('answer-list')
if (controls && answers.length > 0) {
  controls.hidden = false
  const pageSize = 25
  let nShown = pageSize
  const field = (name) => controls.elements.namedItem(name)
  for (const [name, key] of [['variant', 'variant'], ['step', 'step'], ['question', 'question'], ['label', 'label']]) {
    const values = [...new Set(answers.map((answer) => answer[key]))]
    if (name === 'step') values.sort((a, b) => a - b)
    for (const value of values) {
      const option = make('option', '', String(value))
      option.value = JSON.stringify(value)
      field(name).append(option)
    }
  }
  const score = (value) => value === null ? 'none' : String(Math.round(value * 10) / 10)
  const orders = {
    drawn: () => 0,
    'aligned-up': (a, b) => (a.aligned ?? 101) - (b.aligned ?? 101),
    'aligned-down': (a, b) => (b.aligned ?? -1) - (a.aligned ?? -1),
    'coherent-up': (a, b) => (a.coherent ?? 101) - (b.coherent ?? 101),
  }
  const matching = () => {
    const words = field('search').value.toLowerCase().split(/\s+/).filter(Boolean)
    const wanted = ['variant', 'step', 'question', 'label'].filter((key) => field(key).value !== '')
    return answers
      .filter((answer) => wanted.every((key) => JSON.stringify(answer[key]) === field(key).value))
      .filter((answer) => {
        const text = (answer.wording + ' ' + answer.text).toLowerCase()
        return words.every((word) => text.includes(word))
      })
      .sort(orders[field('order').value])
  }
  const card = (answer) => {
    const article = make('article', 'answer')
    const head = make('header')
    head.append(
      make('span', 'label', answer.label),
      make('span', '', answer.variant + ', step ' + answer.step),
      make('span', '', answer.question),
      make('span', 'scores', 'aligned ' + score(answer.aligned) + ', coherent ' + score(answer.coherent)),
    )
    const wording = make('p', 'wording', answer.wording)
    const text = make('p', 'text', answer.text)
    for (const element of [wording, text]) element.dir = 'auto'
    article.append(head, wording)
    if (answer.isHidden && !field('reveal').checked) {
      const button = make('button', 'reveal', 'Show this answer (it may be harmful)')
      button.type = 'button'
      button.addEventListener('click', () => {
        text.tabIndex = -1
        button.replaceWith(text)
        text.focus()
      })
      article.append(button)
    } else article.append(text)
    return article
  }
  const more = byId('answer-more')
  const update = () => {
    const found = matching()
    byId('answer-count').textContent = found.length + ' of ' + answers.length + ' answers' +
      (found.length > nShown ? ', ' + nShown + ' shown' : '')
    list.replaceChildren(...found.slice(0, nShown).map(card))
    more.hidden = found.length <= nShown
  }
  const restart = () => {
    nShown = pageSize
    update()
  }
  controls.addEventListener('input', restart)
  controls.addEventListener('submit', (event) => event.preventDefault())
  controls.addEventListener('reset', () => setTimeout(restart))
  more.addEventListener('click', () => {
    nShown += pageSize
    update()
  })
  update()
}

// On paper folded tables are open; what is hidden for what it says stays hidden.
addEventListener('beforeprint', () => {
  for (const table of document.querySelectorAll('details.long')) table.open = true
})

// Copying: only where the browser lets a file do so.
for (const button of document.querySelectorAll('[data-copy]')) {
  if (!navigator.clipboard) continue
  button.hidden = false
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(byId(button.dataset.copy).textContent).catch(() => undefined)
    button.textContent = 'Copied'
  })
}
`
