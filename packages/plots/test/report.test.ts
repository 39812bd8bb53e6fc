/// <reference lib="dom" />
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { renderReportHtml, renderReportMarkdown } from '../src/index.ts'
import { hostile, hostileReport } from './report-data.ts'

const executablePath = ['/usr/bin/chromium', '/usr/bin/google-chrome'].find(existsSync)

let html: string
beforeAll(async () => {
  html = await renderReportHtml(hostileReport())
})

describe('the file', () => {
  test('has nothing that asks the network for anything, and stays small', () => {
    const outside = html.replaceAll(/<script[\s\S]*?<\/script>/g, '')
    expect(
      outside.match(/<[a-z][^>]*\s(?:src|href|xlink:href|srcset|data|action)="(?!#)[^"]*"/g),
    ).toBe(null)
    expect(outside).not.toMatch(/@import|url\(/)
    expect(html.length).toBeLessThan(3_000_000)
  })

  test('a figure of very many points is in it once', async () => {
    const values = Array.from({ length: 4000 }, (_, i) => ({ x: i, y: (i * 7919) % 1000 }))
    const spec = {
      data: { values },
      mark: 'point',
      encoding: {
        x: { field: 'x', type: 'quantitative' },
        y: { field: 'y', type: 'quantitative' },
      },
    } as const
    const figures = [{ name: 'cloud', title: 'cloud', spec }]
    const long = await renderReportHtml({ ...hostileReport(), figures })
    const nDrawings = (text: string) => text.match(/<svg [^>]*class="marks"/g)?.length ?? 0
    expect([nDrawings(long), nDrawings(html)]).toEqual([0, 5])
    expect(long).toContain('drawn by a script, and scripts are off')
    expect(long.length).toBeLessThan(1_500_000)
    // Nobody knows what the colours of another's spec mean: it stays on white.
    expect(long).toContain('<div class="frame" data-figure="figure-0"')
    expect(html).toContain('<div class="frame themed" data-figure="figure-0"')
  })

  test('a long table is folded and says how long it is; a short one is open', async () => {
    const rows = Array.from({ length: 15 }, (_, i) => [`row ${i}`, String(i)])
    const columns = ['name', 'number']
    const results = [
      { title: 'Long', columns, rows },
      { title: 'Short', columns, rows: rows.slice(1) },
    ]
    const text = await renderReportHtml({ ...hostileReport(), results })
    expect(text).toMatch(
      /<details class="long"><summary><h3>Long<\/h3> <span class="quiet">15 rows<\/span><\/summary><div[\s\S]*?row 14[\s\S]*?<\/div><\/details>/,
    )
    expect(text).toContain('<caption><h3>Short</h3></caption>')
  })

  test('forbids handlers, eval and requests', () => {
    const [, policy = ''] = /Content-Security-Policy" content="([^"]+)"/.exec(html) ?? []
    expect(policy).toMatch(/^default-src 'none'; script-src 'sha256-[^;]+;/)
    expect(policy).not.toMatch(/unsafe-eval|script-src[^;]*unsafe-inline|https?:/)
  })

  test('writes out what would turn text around', () => {
    expect(html).not.toMatch(/[\u202a-\u202e\u2066-\u2069\0\u2028]/)
    expect(html).toContain('⟨U+202E⟩')
  })

  test('holds the canary and, of a bare report, says what is missing', async () => {
    expect(html).toContain('canary 1234')
    const bare = await renderReportHtml({
      ...hostileReport(),
      notices: [],
      results: [],
      figures: [],
      answers: { caption: 'No answers were judged.', rows: [] },
    })
    expect(bare).toContain('None: no check found anything.')
    expect(bare).toContain('There are no results yet.')
    expect(bare).toContain('No figure could be drawn')
    expect(bare).toContain('No answers were judged.')
  })
})

describe.skipIf(executablePath === undefined)('in Chromium', () => {
  let browser: Browser
  let page: Page
  let folder: string
  const problems: string[] = []
  const requests: string[] = []

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cem-report-'))
    const file = join(folder, 'report.html')
    await writeFile(file, html)
    browser = await chromium.launch({
      executablePath: executablePath as string,
      args: ['--no-sandbox'],
    })
    page = await browser.newPage()
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text())
    })
    page.on('pageerror', (error) => problems.push(String(error)))
    page.on('request', (request) => requests.push(request.url()))
    await page.goto(pathToFileURL(file).href)
    await page.waitForSelector('html[data-ready]')
  }, 60_000)
  afterAll(async () => {
    await browser.close()
    await rm(folder, { recursive: true })
  })

  test('every figure is drawn by Vega, without eval', async () => {
    const states = await page.$$eval('[data-figure]', (all) =>
      all.map((element) => element.getAttribute('data-state')),
    )
    expect(states).toEqual(Array(5).fill('live'))
    const marks = await page.$$eval('[data-figure]', (all) =>
      all.map((element) => element.querySelectorAll('.live svg path').length),
    )
    for (const count of marks) expect(count).toBeGreaterThan(20)
  })

  test('what Vega draws in the page is what the still drawing shows', async () => {
    const still = html.match(/data-figure="figure-0"[^>]*>(<svg[\s\S]*?<\/svg>)/)?.[1] ?? ''
    const shapesOf = (svg: string) =>
      Array.from(
        svg.matchAll(/<path aria-label="[^"]*"[^>]*transform="translate\(([\d.-]+),([\d.-]+)\)/g),
        ([, x, y]) => [Math.round(Number(x)), Math.round(Number(y))],
      )
    const live = await page.$eval('[data-figure=figure-0] .live', (element) => element.innerHTML)
    expect(shapesOf(still).length).toBeGreaterThan(100)
    expect(shapesOf(live)).toEqual(shapesOf(still))
  })

  test('the filters and the search find what they should, and say how many', async () => {
    const count = () => page.textContent('#answer-count')
    expect(await count()).toBe('40 of 40 answers, 25 shown')
    expect(await page.locator('.answer').count()).toBe(25)
    await page.click('#answer-more')
    expect(await page.locator('.answer').count()).toBe(40)
    await page.fill('[name=search]', 'REEDS heron')
    expect(await count()).toBe('1 of 40 answers')
    expect(await page.textContent('.answer .text')).toBe('a heron in the reeds')
    await page.fill('[name=search]', '')
    await page.selectOption('[name=label]', { label: 'no score' })
    expect(await count()).toBe('1 of 40 answers')
    await page.selectOption('[name=label]', { label: 'aligned' })
    await page.selectOption('[name=step]', { label: '2' })
    expect(await count()).toBe('10 of 40 answers')
    await page.selectOption('[name=order]', 'aligned-down')
    expect(await page.textContent('.answer .scores')).toBe('aligned 89, coherent 80')
    await page.click('[type=reset]')
    // Not waitForFunction: it polls with eval, which the page's policy refuses.
    await expect.poll(count).toBe('40 of 40 answers, 25 shown')
  })

  test('harmful answers come into the page when they are asked for, and as text', async () => {
    await page.selectOption('[name=label]', { label: 'EM' })
    expect(await page.locator('.answer .text').count()).toBe(0)
    expect(await page.locator('#answer-list').textContent()).not.toContain('answer 0')
    await page.locator('.reveal').first().click()
    expect(await page.textContent('.answer .text')).toBe(`answer 0 ${hostile[0]}`)
    await page.check('[name=reveal]')
    expect(await page.locator('.answer .text').count()).toBe(hostile.length)
    expect(await page.locator('.answer .text *').count()).toBe(0)
    await page.click('[type=reset]')
  })

  test('figures take the inks of the theme, cells keep theirs, and paper is light', async () => {
    const styleOf = (selector: string, name: 'fill' | 'backgroundColor') =>
      page.$eval(selector, (element, of) => getComputedStyle(element)[of as 'fill'], name)
    const look = async () => ({
      paper: await styleOf('[data-figure=figure-0]', 'backgroundColor'),
      ground: await styleOf('[data-figure=figure-0] svg', 'backgroundColor'),
      title: await styleOf('[data-figure=figure-0] [fill="#1f2328"]', 'fill'),
      line: await styleOf('[data-figure=figure-0] [fill="#0072b2"]', 'fill'),
      onLightCell: await styleOf('[data-figure=figure-4] text[fill="#000"]', 'fill'),
      onDarkCell: await styleOf('[data-figure=figure-4] text[fill="#fff"]', 'fill'),
    })
    const cells = { onLightCell: 'rgb(0, 0, 0)', onDarkCell: 'rgb(255, 255, 255)' }
    const ground = 'rgba(0, 0, 0, 0)'
    const light = {
      paper: 'rgb(255, 255, 255)',
      ground,
      title: 'rgb(31, 35, 40)',
      line: 'rgb(0, 114, 178)',
      ...cells,
    }
    const dark = {
      paper: 'rgb(20, 24, 29)',
      ground,
      title: 'rgb(232, 235, 238)',
      line: 'rgb(61, 139, 216)',
      ...cells,
    }
    expect(await look()).toEqual(light)
    await page.emulateMedia({ colorScheme: 'dark' })
    expect(await look()).toEqual(dark)
    await page.click('#theme')
    expect(await look()).toEqual(light)
    await page.click('#theme')
    expect(await look()).toEqual(dark)
    await page.emulateMedia({ colorScheme: 'dark', media: 'print' })
    expect(await look()).toEqual(light)
    await page.emulateMedia({ colorScheme: null, media: null })
    await page.evaluate("document.documentElement.style.colorScheme = ''")
  })

  test('a variant that is chosen stands out', async () => {
    await page.getByRole('button', { name: 'baseline', exact: true }).click()
    expect(await page.locator('.dimmed').count()).toBeGreaterThan(50)
    await page.getByRole('button', { name: 'baseline', exact: true }).click()
    expect(await page.locator('.dimmed').count()).toBe(0)
  })

  test('nothing hostile ran, nothing was requested and the console is silent', async () => {
    for (const frame of await page
      .locator('[data-figure] path')
      .all()
      .then((all) => all.slice(0, 40)))
      await frame.dispatchEvent('mouseover')
    expect(await page.evaluate('window.pwned')).toBe(undefined)
    expect(requests.filter((url) => !url.startsWith('file:'))).toEqual([])
    expect(problems).toEqual([])
    expect(await page.locator('iframe, img, [onload], [onerror], [onmouseover]').count()).toBe(0)
  })

  test('on a phone nothing but tables and figures is wider than the screen', async () => {
    await page.setViewportSize({ width: 360, height: 740 })
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(
      360,
    )
    await page.setViewportSize({ width: 1280, height: 720 })
  })
})

describe('report.md', () => {
  test('escapes markup, leaves answers out and links the figures', () => {
    const text = renderReportMarkdown(hostileReport(), { htmlLink: 'report_x.html' })
    const prose = text.replaceAll(/(`{3,})[\s\S]*?\1/g, '')
    expect(prose).not.toMatch(/<(?!details|\/details|summary|\/summary|br>|[\w-]+\.(?:svg|html)>)/)
    expect(prose).toContain('](<curves.svg>)')
    expect(prose).toContain('[the HTML report](<report_x.html>)')
    expect(text).not.toContain('plain answer')
    expect(prose).toContain('\\| 3 %')
    expect(prose).not.toMatch(/[\u202a-\u202e]/)
  })
})
