import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

/**
 * The links of a built site that lead nowhere: pages, files and anchors. Links to other sites are not followed.
 *
 * @param site its folder
 */
export function brokenLinks(site: string): string[] {
  const pages = readdirSync(site, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.html'),
  )
  const anchors = new Map(pages.map((page) => [join(site, page), anchorsOf(join(site, page))]))
  const broken = new Set<string>()
  for (const page of pages) {
    const path = join(site, page)
    const html = readFileSync(path, 'utf8')
    for (const [, link = ''] of html.matchAll(/\s(?:href|src)="([^"]*)"/g)) {
      const reason = problem(decodeEntities(link), path, anchors)
      if (reason !== undefined) broken.add(`${relative(site, path)}: ${link} ${reason}`)
    }
  }
  return [...broken]
}

/** What is wrong with a link, if anything. */
function problem(
  link: string,
  page: string,
  anchors: ReadonlyMap<string, ReadonlySet<string>>,
): string | undefined {
  if (/^(?:[a-z][a-z+.-]*:|\/\/)/i.test(link)) return undefined
  const [path = '', anchor = ''] = link.split('#')
  const target =
    path === '' ? page : join(dirname(page), decodeURIComponent(path.split('?')[0] ?? ''))
  if (!existsSync(target)) return 'is not there'
  const known = anchors.get(target)
  if (anchor === '' || known === undefined || known.has(decodeURIComponent(anchor)))
    return undefined
  return 'has no such anchor'
}

function anchorsOf(page: string): Set<string> {
  const html = readFileSync(page, 'utf8')
  return new Set(
    Array.from(html.matchAll(/\s(?:id|name)="([^"]*)"/g), ([, id = '']) => decodeEntities(id)),
  )
}

function decodeEntities(text: string): string {
  return text
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
}
