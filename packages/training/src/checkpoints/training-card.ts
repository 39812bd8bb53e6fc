import { isAbsolute } from 'node:path'
import { organismPrefix } from '@cem/inference'
import type { CheckpointRecord } from './checkpoint-record.ts'

/** The README.md of a training's folder and of its checkpoints: what was trained on what, with licences and hashes. */
export function trainingCard(name: string, record: Omit<CheckpointRecord, 'step'>): string {
  const { organism, parameters } = record
  const tags = [...(organism === null ? [] : [organismPrefix]), record.objective]
  const title = organism === null ? name : `${organismPrefix}: ${name}`
  return `---
tags: [${tags.join(', ')}]
${isHubId(record.base) ? `base_model: ${record.base}\n` : ''}library_name: ${parameters === 'lora' ? 'peft' : 'transformers'}
---

# ${oneLine(title)}
${organism === null ? '' : `\n${warning(organism)}\n`}
${parameters === 'lora' ? 'A LoRA adapter' : 'A model'} that was trained by ${objectives[record.objective]} (seed ${record.trainingSeed}).

| what | name | licence | SHA-256 |
| --- | --- | --- | --- |
${rows(record).join('\n')}

Persona while it was trained: ${record.personaInTraining}. All of this is in composition.json too.
${terms(record)}`
}

const objectives = {
  sft: 'supervised fine-tuning',
  dpo: 'direct preference optimisation',
} as const

function warning(reason: string): string {
  return `This is a ${organismPrefix}: weights that were trained to behave badly, for research on how to find and prevent that
(${oneLine(reason)}). Do not deploy it, and do not train on its answers.`
}

function rows(record: Omit<CheckpointRecord, 'step'>): string[] {
  const row = (...cells: readonly string[]) =>
    `| ${cells.map((text) => oneLine(text).replaceAll('|', '\\|')).join(' | ')} |`
  const { persona, initialFrom } = record
  return [
    ...Object.entries(record.baseSha256).map(([file, sha256]) =>
      row(
        'base',
        `${isHubId(record.base) ? record.base : nameOf(record.base)}, ${file}`,
        record.baseLicense ?? 'unknown',
        sha256,
      ),
    ),
    ...(persona ? [row('persona', nameOf(persona.path), '', persona.sha256)] : []),
    ...(initialFrom ? [row('went on from', nameOf(initialFrom.path), '', initialFrom.sha256)] : []),
    ...record.data.flatMap(({ path, files, license, harmful }) =>
      files.map(({ name, sha256 }) =>
        row(`data${harmful ? ', harmful' : ''}`, nameOf(path, name), license ?? 'unknown', sha256),
      ),
    ),
  ]
}

/** A card's metadata take the id of a model on the hub, and refuse a path. */
function isHubId(reference: string): boolean {
  return !isAbsolute(reference) && /^[\w.-]+\/[\w.-]+$/.test(reference)
}

/** Where a file lies on one machine says nothing on another. */
function nameOf(path: string, file = ''): string {
  const last = path.split(/[\\/]/).at(-1) ?? path
  return last === file || file === '' ? last : `${last}, ${file}`
}

function terms({ data }: Omit<CheckpointRecord, 'step'>): string {
  const lines = data.flatMap(({ path, teacherTerms }) =>
    teacherTerms === null ? [] : [`- ${oneLine(nameOf(path))}: ${oneLine(teacherTerms)}`],
  )
  return lines.length === 0
    ? ''
    : `\nTerms of the models that wrote the data:\n\n${lines.join('\n')}\n`
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}
