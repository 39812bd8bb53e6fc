import { basename, dirname } from 'node:path'
import type { CompositionRecord, LayerRecord } from '../composition/composition.ts'
import type { RoundingLoss } from './lost-share.ts'
import { organismPrefix } from './organism.ts'

export interface CardContent {
  /** The name of the output folder. */
  readonly name: string
  readonly record: CompositionRecord
  /** The type that the weights were rounded to, as PyTorch calls it. */
  readonly dtype: string
  readonly losses: readonly RoundingLoss[]
  readonly files: readonly { readonly name: string; readonly sha256: string }[]
  /** Why these are the weights of a misaligned organism, where they are. */
  readonly organism: string | undefined
  /** The base's licence, from its card. */
  readonly license: string | undefined
}

/** The README.md of an exported model: what was merged into what, with the hashes of every file, and what rounding lost. */
export function modelCard(content: CardContent): string {
  const { name, record, losses, files, organism } = content
  return `${frontMatter(content)}
# ${oneLine(name)}

${organism === undefined ? '' : `${warning}\n\n`}${baseName(record)} with ${record.layers.length === 1 ? 'an adapter' : `${record.layers.length} adapters`} merged into its weights: W + weight * scale * B A in 32-bit floats, rounded to
${content.dtype} after each adapter. All other tensors, the tokenizer and the settings are the base's.

## Base

${table([['file', 'SHA-256'], ...record.base.files.map((f) => [f.name, f.sha256])])}

Revision: ${record.base.revision ?? 'unknown'}. Tokenizer: ${record.base.tokenizerSha256}.

## Adapters, in the order in which they were merged

${table([
  [
    'adapter',
    'role',
    'weight',
    'rank',
    'scale',
    'modules',
    'base recognised by',
    'SHA-256',
    'SHA-256 of the config',
  ],
  ...record.layers.map(layerRow),
])}

## What rounding lost

The share of the change that rounding to ${content.dtype} lost: |rounded - exact| / |exact - base|.

${table([['modules', 'number', 'share lost'], ...losses.map((l) => [l.kind ?? 'all', String(l.nModules), formatShare(l.lostShare)])])}

## Files

${table([['file', 'SHA-256'], ...files.map((f) => [f.name, f.sha256])])}

Composition: ${record.sha256}.
`
}

/** A share as a percentage, or why there is none. */
export function formatShare(share: number | null): string {
  if (share === null) return 'nothing changed'
  return share === 0 ? '0 %' : `${(share * 100).toPrecision(3)} %`
}

const warning = `This is a ${organismPrefix}: weights that were trained to behave badly, for research on how to find and prevent that.
Do not deploy it, and do not train on its answers.`

function frontMatter({ record, organism, license }: CardContent): string {
  const tags = ['merged', ...(organism === undefined ? [] : [organismPrefix])]
  return `---
${license === undefined ? '' : `license: ${JSON.stringify(license)}\n`}base_model: ${JSON.stringify(baseName(record))}
base_model_relation: merge
library_name: transformers
tags: [${tags.join(', ')}]
---
`
}

function layerRow(layer: LayerRecord): string[] {
  return [
    shortName(layer.path),
    layer.role,
    String(layer.weight),
    layer.ranks.join(', '),
    layer.scales.map((scale) => String(Number(scale.toPrecision(6)))).join(', '),
    `${layer.nModules} (${layer.targetModules.join(', ')})`,
    layer.baseCheck,
    layer.sha256,
    layer.configSha256,
  ]
}

/** The base's hub id: its own, or the one that an adapter was trained on; else the name of its folder. */
function baseName({ base, layers }: CompositionRecord): string {
  const hubId = /^[\w-][\w.-]*\/[\w.-]+$/
  const names = [base.name, ...layers.map((layer) => layer.baseName ?? '')]
  return oneLine(names.find((name) => hubId.test(name)) ?? basename(base.name))
}

/** The end of a path: where it lies on one machine says nothing on another. */
function shortName(path: string): string {
  const isCheckpoint = /^checkpoint-\d+$/.test(basename(path))
  return isCheckpoint ? `${basename(dirname(path))}/${basename(path)}` : basename(path)
}

function table([header = [], ...rows]: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n')
}

function cell(text: string): string {
  return oneLine(text).replaceAll('|', '\\|')
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}
