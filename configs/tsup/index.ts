import { defineConfig, type Options } from 'tsup'

const common: Options = {
  target: 'node22',
  platform: 'node',
  sourcemap: true,
  clean: true,
  splitting: false,
}

/** A library: ESM and CJS, with types for each. */
export const library = (over: Options = {}) =>
  defineConfig({ ...common, entry: ['src/index.ts'], format: ['esm', 'cjs'], dts: true, ...over })

/** A command-line app: ESM only, no types. Chunks are split so that a command loads only what it uses. */
export const app = (over: Options = {}) =>
  defineConfig({
    ...common,
    entry: ['src/cli.ts'],
    format: ['esm'],
    dts: false,
    splitting: true,
    ...over,
  })
