export { type AtomicFile, fileWriteFailed, openAtomic, writeFileAtomic } from './atomic-files.ts'
export {
  CemError,
  type CemErrorOptions,
  messageOf,
  nearest,
  type SerializedError,
} from './errors.ts'
export { JsonLinesWriter, type JsonLinesWriterOptions } from './json-lines-writer.ts'
export {
  philox4x32,
  type RandomKey,
  type RandomSource,
  randomKey,
  randomSource,
  uniform,
} from './random.ts'
