import { describe, expect, test } from 'vitest'
import { checkConfig } from '../src/config/load-config.ts'
import { compareLocks, type Lock } from '../src/store/lock.ts'

const base = { base_model: 'models/tiny' }

describe('engine.provider', () => {
  test('is auto unless it is named', () => {
    expect(checkConfig(base).config.engine.provider).toBe('auto')
    const named = { ...base, engine: { provider: 'webgpu' } }
    expect(checkConfig(named).config.engine.provider).toBe('webgpu')
  })

  test('that does not exist is an error with its value and those that do', () => {
    const second = { ...base, engine: { provider: 'cuda', gpu: 1 } }
    expect(checkConfig(second).config.engine.gpu).toBe(1)
    const elsewhere = { ...base, engine: { provider: 'cpu', gpu: 1 } }
    expect(() => checkConfig(elsewhere)).toThrow(/engine\.gpu.*provider cuda only/)
    const config = { ...base, engine: { provider: 'gpu' } }
    expect(() => checkConfig(config)).toThrow(/engine\.provider.*"gpu"(?=.*"webgpu")(?=.*"cuda")/)
  })
})

describe('the lock of a run', () => {
  const locked = {
    sampling: {},
    judge: {},
    cells: {},
    questions: [],
    activations: null,
  } as unknown as Lock
  const on = (provider: 'cpu' | 'webgpu', device = 'a device'): Lock => ({
    ...locked,
    engine: { provider, device },
  })

  test('refuses answers of another provider', () => {
    expect(compareLocks(on('cpu'), on('webgpu'))).toEqual([
      { part: 'engine.provider', phase: 'generate', locked: '"cpu"', found: '"webgpu"' },
    ])
    expect(compareLocks(on('webgpu'), on('webgpu', 'another device'))).toEqual([])
  })

  test('from before providers were recorded is the CPU’s', () => {
    expect(compareLocks(locked, on('cpu'))).toEqual([])
    expect(compareLocks(locked, on('webgpu'))).toHaveLength(1)
  })

  test('is not held to a provider where no model runs', () => {
    expect(compareLocks(on('webgpu'), locked)).toEqual([])
  })
})
