import type { StateStore } from '../../../lib/state/state-store.ts'
import type { Link } from './link.ts'

/** One process's way to the state of a fake store. @param onRead told of members that were read from an index, when they arrive */
export function fakeState(link: Link, onRead: (members: readonly string[]) => void): StateStore {
  const { state } = link.store
  const ask = <T>(act: () => Promise<T>): Promise<T> => {
    link.refuseClosed('use the state')
    return link.ask({ asked: 'state', act }) as Promise<T>
  }
  return {
    start: async () => link.refuseClosed('start'),
    stop: async () => {
      link.isClosed = true
    },
    get: async (key) => ask(() => state.get(key)),
    putIfAbsent: async (key, value, options) => ask(() => state.putIfAbsent(key, value, options)),
    compareAndSet: async (key, change) => ask(() => state.compareAndSet(key, change)),
    takeRate: async (key, rate) => ask(() => state.takeRate(key, rate)),
    takePlace: async (key, holder, places) => ask(() => state.takePlace(key, holder, places)),
    releasePlace: async (key, holder) => ask(() => state.releasePlace(key, holder)),
    indexAdd: async (index, entries, options) => ask(() => state.indexAdd(index, entries, options)),
    indexRemove: async (index, members) => ask(() => state.indexRemove(index, members)),
    indexRange: async (index, range) => {
      const found = await ask(() => state.indexRange(index, range))
      onRead(found.map(({ member }) => member))
      return found
    },
  }
}
