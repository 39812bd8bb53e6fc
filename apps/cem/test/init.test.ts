import { spawn } from 'node:child_process'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadConfig } from '@cem/experiment'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { makeStudy, type TinyStudy } from '../../../packages/experiment/test/tiny-study.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url))

describe('cem init', () => {
  let study: TinyStudy
  beforeAll(async () => {
    study = await makeStudy(
      [
        { name: 'plain', checkpoints: { 20: 'plain' } },
        {
          name: 'warm',
          checkpoints: { 20: 'rank-one' },
          persona: 'plain',
          personaInTraining: null,
        },
      ],
      'http://127.0.0.1:9/v1',
    )
  })
  afterAll(() => rm(study.folder, { recursive: true }))

  function cem(args: readonly string[], answers = '') {
    return new Promise<{ code: number | null; out: string; err: string }>((resolve) => {
      const env = { ...process.env, CEM_CACHE: study.cache, NO_COLOR: '1' }
      const child = spawn(process.execPath, [cli, ...args], { cwd: study.folder, env })
      let [out, err] = ['', '']
      child.stdout.on('data', (chunk: Buffer) => {
        out += chunk.toString()
      })
      child.stderr.on('data', (chunk: Buffer) => {
        err += chunk.toString()
      })
      child.on('close', (code) => resolve({ code, out, err }))
      child.stdin.end(answers)
    })
  }
  const configOf = (name: string) =>
    loadConfig(join(study.folder, name), { workingFolder: study.folder })

  test('writes from flags what cem plan accepts, with the names that the adapters carry', async () => {
    const flags = ['--variants', 'outputs/plain', 'outputs/warm', '--base-model', 'model', '--yes']
    const made = await cem([
      'init',
      'my.yaml',
      '--in-domain',
      'finance',
      ...flags,
      '--persona-at-inference',
      'both',
    ])
    expect(made).toMatchObject({ code: 0, err: '' })
    expect(made.out).toContain('next: cem plan my.yaml')
    const { config } = await configOf('my.yaml')
    expect(config).toMatchObject({
      base_model: 'model',
      personaAtInference: 'both',
      baseAliases: ['cem-fixtures/gqa-6-2-tied'],
      questions: { inDomain: ['cem:finance'] },
      variants: [
        { name: 'plain', path: 'outputs/plain', type: 'baseline' },
        { name: 'warm', path: 'outputs/warm', type: 'character' },
      ],
    })
    const text = await readFile(join(study.folder, 'my.yaml'), 'utf8')
    expect(text).toMatch(/^# yaml-language-server: \$schema=https:.*config\.schema\.json\n/)
    const planned = await cem(['plan', 'my.yaml', '--n-per-question', '1'])
    expect(planned).toMatchObject({ code: 0, err: '' })
    expect(planned.out).toContain('warm/20@persona-on')
  })

  test('asks what it was not told, finds training folders, and takes the rest as usual', async () => {
    // Base, folders (those it found), in-domain, persona, judge, model, answers.
    const answers = 'model\n\nin-domain.yaml\noff\n\nmy-judge\n7\n'
    const { code, out } = await cem(['init', 'asked.yaml'], answers)
    expect(out).toContain('[outputs/plain outputs/warm]')
    expect(out).toContain('No record says how the persona took part in training (warm)')
    expect(code).toBe(0)
    expect((await configOf('asked.yaml')).config).toMatchObject({
      personaAtInference: 'off',
      questions: { inDomain: ['in-domain.yaml'] },
      judge: { provider: 'openai', model: 'my-judge' },
      sampling: { samplesPerQuestion: 7 },
    })
  })

  test.each<[string, readonly string[], string, RegExp]>([
    ['a file that is there', ['init', 'tiny.yaml', '--yes'], '', /is there already.*--force/],
    ['no base model', ['init', 'x.yaml', '--yes'], '', /needs a base model.*--base-model/],
    [
      'a folder without checkpoints',
      ['init', 'x.yaml', '--yes', '--base-model', 'm', '--variants', 'model'],
      '',
      /model holds no checkpoint-<step> folders/,
    ],
    [
      'an answer that is no number',
      ['init', 'x.yaml', '--variants', 'outputs/plain', '--base-model', 'model'],
      'none\n\n\nmany\n',
      /samplesPerQuestion is "NaN"/,
    ],
  ])('%s is one clear error, and nothing is written', async (_, args, answers, words) => {
    const { code, err } = await cem(args, answers)
    expect(code).toBe(1)
    expect(err).toMatch(words)
    await expect(readFile(join(study.folder, 'x.yaml'))).rejects.toThrow(/ENOENT/)
  })
})
