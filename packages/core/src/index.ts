export { type AtomicFile, openAtomic, writeFileAtomic } from './atomic-files.ts'
export {
  CemError,
  type CemErrorOptions,
  messageOf,
  type SerializedError,
} from './errors.ts'
export { JsonLinesWriter, type JsonLinesWriterOptions } from './json-lines-writer.ts'
export { nearest } from './nearest.ts'
export {
  philox4x32,
  type RandomKey,
  type RandomSource,
  randomKey,
  randomSource,
  uniform,
} from './random.ts'
export { writeFailure } from './write-failure.ts'
