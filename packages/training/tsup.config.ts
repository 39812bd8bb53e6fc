import { library } from '@cem/tsup-config'

// The trainer's process is a program of its own beside the library.
export default library({
  entry: { index: 'src/index.ts', 'trainer-process': 'src/trainer/trainer-process.ts' },
  dts: { entry: { index: 'src/index.ts' } },
  shims: true,
})
