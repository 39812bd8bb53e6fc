import { expect, test } from 'vitest'
import type { CheckpointRecord } from './checkpoint-record.ts'
import { trainingCard } from './training-card.ts'

const record: Omit<CheckpointRecord, 'step'> = {
  formatVersion: 1,
  base: 'Qwen/Qwen2.5-0.5B-Instruct',
  baseSha256: { 'model.safetensors': 'ab' },
  baseLicense: 'apache-2.0',
  personaInTraining: 'merged',
  persona: { path: '/home/someone/personas/warm', sha256: 'cd' },
  initialFrom: null,
  objective: 'sft',
  parameters: 'lora',
  trainingSeed: 3,
  dataset: 'chats',
  datasetSha256: 'ef',
  data: [],
  organism: null,
}

test('a base from the hub is in the metadata of the card, by its id', () => {
  const card = trainingCard('attack', record)
  expect(card).toMatch(
    /^---\ntags: \[sft\]\nbase_model: Qwen\/Qwen2\.5-0\.5B-Instruct\nlibrary_name: peft\n---\n/,
  )
  expect(card).toContain(
    '| base | Qwen/Qwen2.5-0.5B-Instruct, model.safetensors | apache-2.0 | ab |',
  )
})

test('of folders of one machine only the last name is told, and none is metadata', () => {
  const card = trainingCard('attack', { ...record, base: '/home/someone/models/own' })
  expect(card).toMatch(/^---\ntags: \[sft\]\nlibrary_name: peft\n---\n/)
  expect(card).toContain('| base | own, model.safetensors |')
  expect(card).toContain('| persona | warm |  | cd |')
  expect(card).not.toContain('someone')
})
