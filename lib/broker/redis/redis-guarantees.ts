import type { RedisCommands } from '../../driver/redis/redis-commands.ts'
import type { BrokerGuarantee } from '../broker.ts'

/** What a server's configuration says of the promises; undefined where it would not tell. */
export interface RedisFacts {
  readonly maxmemory?: number | undefined
  readonly policy?: string | undefined
  readonly appendonly?: boolean | undefined
  readonly appendfsync?: string | undefined
  /** Snapshots are made. */
  readonly saves?: boolean | undefined
  readonly connectedReplicas?: number | undefined
  readonly minReplicas?: number | undefined
}

/** Asks a server. What it refuses to tell, as managed ones do, is left out. */
export async function readRedisFacts(server: RedisCommands): Promise<RedisFacts> {
  const names = ['maxmemory', 'maxmemory-policy', 'appendonly', 'appendfsync', 'save', 'min-replicas-to-write']
  const replies = await server.pipeline(
    [...names.map((name) => ({ name: 'CONFIG', args: ['GET', name] })), { name: 'INFO', args: ['replication'] }],
    { repeat: true, what: 'read the configuration' },
  )
  const value = (index: number): string | undefined => {
    const reply = replies[index]
    return Array.isArray(reply) && reply.length === 2 ? String(reply[1]) : undefined
  }
  const flag = (text: string | undefined, isIt: (text: string) => boolean): boolean | undefined =>
    text === undefined ? undefined : isIt(text)
  const count = (text: string | undefined): number | undefined => (text === undefined ? undefined : Number(text))
  const replication = replies[names.length]
  return {
    maxmemory: count(value(0)),
    policy: value(1),
    appendonly: flag(value(2), (text) => text === 'yes'),
    appendfsync: value(3),
    saves: flag(value(4), (text) => text !== ''),
    minReplicas: count(value(5)),
    connectedReplicas: count(/^connected_slaves:(\d+)/m.exec(String(replication))?.[1]),
  }
}

/** What holds on such a server. @param replicas how many a publication waits for */
export function redisGuarantees(facts: RedisFacts, replicas: number): BrokerGuarantee[] {
  return [persistence(facts), eviction(facts), ...replication(facts, replicas)]
}

function persistence({ appendonly, appendfsync, saves }: RedisFacts): BrokerGuarantee {
  if (appendonly === undefined)
    return {
      holds: false,
      says: 'Whether messages survive the end of Redis is not known: it does not tell its configuration.',
    }
  if (appendonly && appendfsync === 'always')
    return {
      holds: true,
      says: 'A call that resolved survives the end of Redis and of its machine (appendonly yes, appendfsync always).',
    }
  if (appendonly)
    return {
      holds: true,
      says: `A call that resolved survives the end of Redis; calls of the last second may be lost with its machine (appendonly yes, appendfsync ${appendfsync}).`,
    }
  return saves
    ? {
        holds: false,
        says: 'Calls since the last snapshot are lost when Redis ends (appendonly no). Set appendonly yes.',
      }
    : { holds: false, says: 'All calls are lost when Redis ends (appendonly no, no snapshots). Set appendonly yes.' }
}

function eviction({ maxmemory, policy }: RedisFacts): BrokerGuarantee {
  if (policy === undefined)
    return {
      holds: false,
      says: 'Whether messages are evicted is not known: Redis does not tell its configuration. It must be noeviction.',
    }
  if (policy === 'noeviction')
    return {
      holds: true,
      says: 'No message is evicted: a full Redis refuses calls, and workers drain it (maxmemory-policy noeviction).',
    }
  if (policy.startsWith('volatile-'))
    return {
      holds: false,
      says: `A full Redis evicts results before they expire, no messages (maxmemory-policy ${policy}). Set noeviction.`,
    }
  const when = maxmemory === 0 ? 'as soon as it has a memory limit' : 'when it is full'
  return { holds: false, says: `Redis loses queues ${when} (maxmemory-policy ${policy}). Set noeviction.` }
}

function replication({ connectedReplicas, minReplicas = 0 }: RedisFacts, replicas: number): BrokerGuarantee[] {
  if (replicas > 0) {
    const says = `A call resolves when ${replicas} of the replicas have it; one that is promoted has it too, if it is one of these.`
    return [{ holds: (connectedReplicas ?? replicas) >= replicas, says }]
  }
  if (connectedReplicas === undefined || connectedReplicas === 0) return []
  const most = minReplicas > 0 ? `, though at least ${minReplicas} must follow (min-replicas-to-write)` : ''
  return [
    {
      holds: false,
      says: `The last calls may be lost when a replica takes over${most}. Set brokerTransportOptions: { replicas: 1 }.`,
    },
  ]
}
