export {
  checkReflectionConfig,
  type LoadedReflectionConfig,
  type LoadReflectionConfigOptions,
  loadReflectionConfig,
  type ReflectionConfig,
} from './reflection-config.ts'
export {
  type ReflectionEvent,
  type ReflectionManifest,
  type RunReflectionDataOptions,
  runReflectionData,
} from './run-reflection-data.ts'
