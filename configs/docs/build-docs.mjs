// Builds the documentation into docs-site/: the API of every package from its docstrings, the guides, and the decisions. Offline.
// Fails where a public function has no docstring, where a link leads nowhere, and on any other warning of TypeDoc.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Application, ReflectionKind, TSConfigReader, TypeDocReader } from 'typedoc'
import { brokenLinks } from './broken-links.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const site = join(root, 'docs-site')
process.chdir(root)
rmSync(site, { recursive: true, force: true })
const app = await Application.bootstrap({ options: join(root, 'typedoc.json') }, [
  new TypeDocReader(),
  new TSConfigReader(),
])
const project = await app.convert()
if (project === undefined) process.exit(1)
for (const document of project.documents ?? []) takeTitle(document)
nestDecisions()
app.validate(project)
await app.generateDocs(project, site)
const broken = brokenLinks(site)
for (const line of broken) console.error(line)
const { errorCount, warningCount } = app.logger
if (errorCount + warningCount + broken.length > 0) {
  console.error(`${errorCount} errors, ${warningCount} warnings, ${broken.length} broken links`)
  process.exit(1)
}
console.log(
  `docs-site/index.html; ${project.getReflectionsByKind(ReflectionKind.Document).length} pages, all links lead somewhere`,
)

/** A document's title is its first heading, as on any page that shows Markdown. */
function takeTitle(document) {
  const title = /^# (.+)$/m.exec(document.content[0]?.text ?? '')
  if (title !== null) document.name = title[1].replaceAll('`', '')
}

/** The decisions are pages below their list. */
function nestDecisions() {
  const list = project.documents?.find(({ name }) => name === 'Decisions')
  const decisions = project.documents?.filter(({ name }) => / \(\d{4}-\d\d\)$/.test(name)) ?? []
  for (const decision of decisions) {
    project.removeChild(decision)
    list?.addChild(decision)
    decision.parent = list
  }
}
