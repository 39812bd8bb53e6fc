import { existsSync, readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/**
 * The relative links of a page of Markdown that lead nowhere as a code host shows it: files, folders, and headings. Links to other
 * sites are not followed.
 *
 * @param path of the page
 * @param exists whether a file or folder is there
 */
export function brokenMarkdownLinks(
  path: string,
  exists: (path: string) => boolean = existsSync,
): string[] {
  const text = withoutCode(readFileSync(path, 'utf8'))
  const links = [...text.matchAll(/\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)/g)].map(
    ([, link = '']) => link,
  )
  return links.filter((link) => !/^[a-z][a-z+.-]*:/i.test(link) && !leads(link, path, exists))
}

function leads(link: string, from: string, exists: (path: string) => boolean): boolean {
  const [file = '', anchor] = link.split('#')
  const target = file === '' ? from : resolve(dirname(from), decodeURIComponent(file))
  if (!exists(target)) return false
  if (anchor === undefined || !target.endsWith('.md')) return true
  return headingAnchors(readFileSync(target, 'utf8')).has(anchor)
}

/** Anchors of the headings, made as GitHub makes them. */
export function headingAnchors(markdown: string): Set<string> {
  const anchors = new Set<string>()
  for (const [, heading = ''] of withoutCode(markdown).matchAll(/^#{1,6} (.+)$/gm)) {
    const words = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase()
    const base = words.replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(' ', '-')
    let anchor = base
    for (let i = 1; anchors.has(anchor); i++) anchor = `${base}-${i}`
    anchors.add(anchor)
  }
  return anchors
}

/** Fenced blocks hold no links and no headings. */
function withoutCode(markdown: string): string {
  return markdown.replaceAll(/^```.*?^```/gms, '')
}
