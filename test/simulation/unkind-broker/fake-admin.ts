import type { BrokerAdmin } from '../../../lib/broker/broker.ts'
import type { Link } from './link.ts'

/** What operators do with a fake store's queues. Never refused: no simulation is about them. */
export function fakeAdmin(link: Link): BrokerAdmin {
  const { store } = link
  const { messages } = store
  const act = <T>(what: string, does: () => T): T => {
    link.refuseClosed(what)
    return store.act(does)
  }
  const counts: BrokerAdmin['counts'] = async (queue) => {
    const empty = { queue, waiting: 0, scheduled: 0, claimed: 0, dead: 0, paused: false }
    return act('count', () => messages.counts()).find((one) => one.queue === queue) ?? empty
  }
  const letters = () => [...messages.dead.values()].map(({ letter }) => letter)
  return {
    queues: async () => act('list queues', () => messages.counts()),
    counts,
    purge: async (queue) => act('purge', () => messages.purge(queue)),
    pause: async (queue) =>
      act('pause', () => {
        messages.known.add(queue)
        messages.paused.add(queue)
      }),
    resume: async (queue) =>
      act('resume', () => {
        messages.known.add(queue)
        messages.paused.delete(queue)
      }),
    deadLetters: async ({ queue, limit = Number.POSITIVE_INFINITY, after = '0' } = {}) =>
      act('list dead letters', letters)
        .filter((letter) => (queue === undefined || letter.queue === queue) && Number(letter.id) > Number(after))
        .slice(0, limit),
    deadLetter: async (id) => act('look for a dead letter', () => messages.dead.get(id)?.letter),
    replayDead: async (ids) => act('replay', () => ids.filter((id) => messages.replay(id)).length),
    dropDead: async (ids) => act('drop', () => ids.filter((id) => messages.dead.delete(id)).length),
  }
}
