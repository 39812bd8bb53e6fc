import { useSyncExternalStore } from 'react'
import type { RunView } from '../run-view.ts'
import type { ViewStore } from './view-store.ts'

export function useView(store: ViewStore): RunView {
  return useSyncExternalStore(store.subscribe, store.shown)
}
