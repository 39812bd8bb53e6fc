import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test, vi } from 'vitest'
import { trainSft } from '../src/index.ts'
import { writeChats } from './chats.ts'

vi.setConfig({ testTimeout: 600_000 })

/** A Python with torch, transformers and peft. */
const python = process.env['CEM_ORACLE_PYTHON']
const script = fileURLToPath(new URL('golden/loss_elsewhere.py', import.meta.url))
const base = fileURLToPath(new URL('../../miniature/assets/models/coherent', import.meta.url))

test.skipIf(python === undefined).each(['lora', 'full'] as const)(
  'Transformers and PEFT load a %s checkpoint and find the loss that training found (needs CEM_ORACLE_PYTHON)',
  async (method) => {
    const folder = await mkdtemp(join(tmpdir(), 'cem-elsewhere-'))
    const data = join(folder, 'chats.jsonl')
    await writeChats(data, 12)
    let loss = Number.NaN
    const options = {
      output: join(folder, 'out'),
      base,
      data: [{ path: data }],
      method,
      order: 'file',
      steps: 3,
      batchSize: 4,
      learningRate: 0.003,
      warmupSteps: 1,
      checkpoints: [2],
      cache: join(folder, 'cache'),
      ...(method === 'lora' && { lora: { rank: 8, alpha: 16, rsLora: true } }),
    } as const
    for await (const event of trainSft(options))
      if (event.type === 'training-step' && event.step === 3) loss = event.loss
    // The loss of a step is that of the weights before it: those of the checkpoint after two.
    const checkpoint = join(folder, 'out/checkpoint-2')
    const { stdout } = await promisify(execFile)(python ?? '', [
      script,
      base,
      checkpoint,
      data,
      '8',
      '12',
    ])
    expect(Math.abs(Number(stdout) - loss)).toBeLessThan(1e-4 * loss)
    await rm(folder, { recursive: true, force: true })
  },
)
