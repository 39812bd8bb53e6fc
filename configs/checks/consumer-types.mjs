import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'

/** How a strict program may look for types. */
const resolutions = [
  { name: 'node16', options: { module: 'node16', moduleResolution: 'node16' } },
  { name: 'nodenext', options: { module: 'nodenext', moduleResolution: 'nodenext' } },
  { name: 'bundler', options: { module: 'esnext', moduleResolution: 'bundler' } },
]

/**
 * Compiles programs that import every public name of every entry, strictly and with the declarations of all dependencies checked.
 *
 * @param {string} folder where the packages are installed, with `@types/node`
 * @param {readonly string[]} entries such as `@cem/core`
 * @returns {{ nNames: number, problems: readonly string[] }}
 */
export function consumerTypes(folder, entries) {
  const names = namesOf(folder, entries)
  const files = { 'consumer.mts': importAll(names, importNames) }
  // Bundlers have no `require`.
  const both = { ...files, 'consumer.cts': importAll(names, requireNames) }
  for (const [file, text] of Object.entries(both)) writeFileSync(join(folder, file), text)
  const problems = resolutions.flatMap(({ name, options }) => {
    const compilerOptions = {
      ...options,
      target: 'es2022',
      strict: true,
      skipLibCheck: false,
      noEmit: true,
      types: ['node'],
    }
    const include = Object.keys(name === 'bundler' ? files : both)
    const config = join(folder, `tsconfig.${name}.json`)
    writeFileSync(config, JSON.stringify({ compilerOptions, files: include }))
    const { status, stdout } = spawnSync('tsc', ['-p', config], { cwd: folder, encoding: 'utf8' })
    return status === 0 ? [] : [`${name}:\n${stdout}`]
  })
  return { nNames: [...names.values()].reduce((sum, list) => sum + list.length, 0), problems }
}

function importAll(names, statement) {
  const lines = [...names].map(([entry, list], i) =>
    statement(list.map((name) => `${name} as ${name}_${i}`).join(', '), entry, i),
  )
  return `${lines.join('\n')}\nexport {}\n`
}

function importNames(list, entry) {
  return `import { ${list} } from '${entry}'`
}

/** In a CommonJS file: the module by `require`, and its names by an import that becomes one. */
function requireNames(list, entry, i) {
  return `import module${i} = require('${entry}')\nvoid module${i}\n${importNames(list, entry)}`
}

/** The public names of each entry, types among them. */
function namesOf(folder, entries) {
  const file = join(folder, 'names.mts')
  writeFileSync(file, entries.map((entry) => `import '${entry}'\n`).join(''))
  const options = {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
  }
  const program = ts.createProgram([file], options)
  const checker = program.getTypeChecker()
  const found = new Map()
  for (const { moduleSpecifier } of program.getSourceFile(file)?.statements ?? []) {
    const module = checker.getSymbolAtLocation(moduleSpecifier)
    const entry = moduleSpecifier.text
    if (module === undefined) throw new Error(`${entry} has no types`)
    const names = checker.getExportsOfModule(module).map(({ name }) => name)
    found.set(entry, names)
  }
  return found
}
