export {
  checkReflectionConfig,
  type LoadedReflectionConfig,
  type LoadReflectionConfigOptions,
  loadReflectionConfig,
  type ReflectionConfig,
} from './reflection-config.ts'
export type { ReflectionManifest } from './reflection-manifest.ts'
export {
  type ReflectionEvent,
  type RunReflectionDataOptions,
  runReflectionData,
} from './run-reflection-data.ts'
