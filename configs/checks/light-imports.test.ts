import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))
const packages = readdirSync(join(root, 'packages'))

/** Runtimes, renderers, clients and user interfaces: they load when they are used. */
const heavy = /^(?:onnxruntime-|vega|@resvg|sharp|ink$|react|yoga|openai$|@huggingface\/hub)/

/** The packages whose files a program loads: those of node_modules by name, those of this workspace as `@cem/NAME`. */
function loadedBy(program: readonly string[]): string[] {
  const hooks = `data:text/javascript,${encodeURIComponent(`
    import { registerHooks } from 'node:module'
    const urls = new Set()
    registerHooks({ load: (url, context, next) => (urls.add(url), next(url, context)) })
    process.on('exit', () => process.stderr.write('LOADED' + JSON.stringify([...urls])))
  `)}`
  const options = { cwd: join(root, 'apps/cem'), encoding: 'utf8' as const }
  const out = execFileSync(
    'bash',
    ['-c', '"$@" 2>&1 >/dev/null', 'bash', process.execPath, '--import', hooks, ...program],
    options,
  )
  const urls = JSON.parse(out.slice(out.indexOf('LOADED') + 6)) as string[]
  const names = urls.flatMap((url) => {
    const installed = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1]
    const own = /\/packages\/([\w-]+)\/dist\//.exec(url)?.[1]
    return own === undefined ? (installed ?? []) : `@cem/${own}`
  })
  return [...new Set(names)].toSorted((a, b) => (a < b ? -1 : 1))
}

const imported = (name: string) =>
  loadedBy([
    '--input-type=module',
    '--eval',
    `await import(${JSON.stringify(join(root, 'packages', name, 'dist/index.js'))})`,
  ])

test('the list of heavy packages has those that are loaded when something is drawn', () => {
  const program = `
    const { renderSvg } = await import(${JSON.stringify(join(root, 'packages/plots/dist/index.js'))})
    await renderSvg({ data: { values: [{ a: 1 }] }, mark: 'point', encoding: {} })
  `
  expect(
    loadedBy(['--input-type=module', '--eval', program]).filter((name) => heavy.test(name)),
  ).toContain('vega')
})

test.each(packages)('importing @cem/%s loads no heavy part', (name) => {
  expect(imported(name).filter((loaded) => heavy.test(loaded))).toEqual([])
})

test.each<[string, string[]]>([
  ['core', []],
  ['direction', ['@cem/core', 'jstat']],
  ['onnx-graph', ['@cem/core']],
  ['plots', ['@cem/core']],
])('@cem/%s loads nothing but itself and %j', (name, others) => {
  expect(imported(name)).toEqual([...others, `@cem/${name}`].toSorted((a, b) => (a < b ? -1 : 1)))
})

test('the help of the command loads nothing but the parser of its flags', () => {
  const loaded = loadedBy([join(root, 'apps/cem/dist/cli.js'), '--help'])
  expect(loaded).toEqual(['@cem/core', 'commander'])
})
