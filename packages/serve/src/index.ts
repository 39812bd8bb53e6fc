export { type AdapterRequest, parseAdapterArgument } from './adapter-argument.ts'
export { organismPrefix } from './organism.ts'
export type { ServedModel } from './served-models.ts'
export { type RunningServer, type ServerOptions, startServer } from './start-server.ts'
