import { defineConfig } from 'vitest/config'
import Summary from '../../configs/vitest/summary.ts'

// Correctness on a GPU, or on a software one: see configs/webgpu/test-webgpu.mjs, which finds the device.
export default defineConfig({
  test: {
    include: ['test/**/*.webgpu.ts'],
    testTimeout: 600_000,
    hookTimeout: 600_000,
    // A software device uses all processors for one test.
    maxWorkers: 2,
    // Each test as it ends: a software device takes minutes.
    reporters: ['verbose', new Summary()],
  },
})
