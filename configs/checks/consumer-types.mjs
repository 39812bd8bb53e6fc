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
  let nNames = 0
  const problems = resolutions.flatMap(({ name, options }) => {
    const given = {
      ...options,
      target: 'es2022',
      strict: true,
      skipLibCheck: false,
      noEmit: true,
      types: ['node'],
    }
    const config = ts.convertCompilerOptionsFromJson(given, folder)
    if (config.errors.length > 0) return config.errors.map(textOf)
    const names = namesOf(folder, entries, config.options)
    nNames = [...names.values()].reduce((sum, list) => sum + list.length, 0)
    const files = [join(folder, `consumer-${name}.mts`)]
    writeFileSync(
      files[0],
      importAll(names, (list, entry) => `import { ${list} } from '${entry}'`),
    )
    if (name !== 'bundler') {
      files.push(join(folder, `consumer-${name}.cts`))
      writeFileSync(files[1], importAll(names, requireAll))
    }
    const program = ts.createProgram(files, config.options)
    return ts.getPreEmitDiagnostics(program).map((one) => `${name}: ${textOf(one)}`)
  })
  return { nNames, problems: [...new Set(problems)] }
}

function importAll(names, importOf) {
  const lines = [...names].map(([entry, list], i) =>
    importOf(list.map((one) => `${one} as ${one}_${i}`).join(', '), entry, i, list),
  )
  return `${lines.join('\n')}\nexport {}\n`
}

/** In a CommonJS file: the module by `require`, and its names by an import that becomes one. */
function requireAll(list, entry, i) {
  return `import module${i} = require('${entry}')\nvoid module${i}\nimport { ${list} } from '${entry}'`
}

/** The public names of each entry, types among them. */
function namesOf(folder, entries, options) {
  const file = join(folder, 'names.mts')
  writeFileSync(file, entries.map((entry) => `import '${entry}'\n`).join(''))
  const program = ts.createProgram([file], options)
  const checker = program.getTypeChecker()
  const found = new Map()
  for (const statement of program.getSourceFile(file)?.statements ?? []) {
    const module = checker.getSymbolAtLocation(statement.moduleSpecifier)
    const entry = statement.moduleSpecifier.text
    if (module === undefined) throw new Error(`${entry} has no types`)
    found.set(
      entry,
      checker.getExportsOfModule(module).map(({ name }) => name),
    )
  }
  return found
}

function textOf({ file, start = 0, messageText }) {
  const text = ts.flattenDiagnosticMessageText(messageText, '\n')
  if (file === undefined) return text
  const { line } = file.getLineAndCharacterOfPosition(start)
  return `${file.fileName}:${line + 1}: ${text}`
}
