import type { Clock } from '../../base/clock.ts'
import { BrokerUnavailable } from '../../base/errors.ts'
import { RedisConnection } from './redis-connection.ts'
import { addressName, endpointName, type RedisAddress, type RedisEndpoint } from './redis-endpoint.ts'

export interface FindMasterOptions {
  readonly endpoint: RedisEndpoint
  readonly clock: Clock
  readonly timeoutMs: number
  readonly clientName: string
}

/** How long one sentinel may take to answer. */
const answerMs = 1_500

interface Answer {
  readonly address: RedisAddress
  readonly epoch: number
}

/**
 * Asks all sentinels at once which server is the master, and believes the one that knows of the latest election.
 * @throws {BrokerUnavailable} when none of them names one
 */
export async function findMaster(options: FindMasterOptions, signal: AbortSignal): Promise<RedisAddress> {
  const { endpoint } = options
  const asked = await Promise.allSettled(endpoint.addresses.map((address) => ask(address, options, signal)))
  const answers = asked.filter((one) => one.status === 'fulfilled').map((one) => one.value)
  const best = answers.sort((a, b) => b.epoch - a.epoch)[0]
  if (best !== undefined) return best.address
  const reasons = asked.flatMap((one, index) =>
    one.status === 'rejected' ? [`${addressName(endpoint.addresses[index]!)}: ${messageOf(one.reason)}`] : [],
  )
  throw new BrokerUnavailable(
    `Cannot reach ${endpointName(endpoint)}: no sentinel names a master. ${reasons.join(' ')}`,
  )
}

async function ask(address: RedisAddress, options: FindMasterOptions, signal: AbortSignal): Promise<Answer> {
  const { endpoint, clock, clientName } = options
  const { masterName, minOthers, username, password } = endpoint.sentinel!
  const timeoutMs = Math.min(answerMs, options.timeoutMs)
  const connection = await RedisConnection.open(
    {
      endpoint: { addresses: [address], db: 0, username, password, tls: endpoint.tls },
      address,
      server: `the sentinel ${addressName(address)}`,
      clock,
      timeoutMs,
      clientName,
    },
    signal,
  )
  const cancel = clock.timer(timeoutMs, () => connection.end(new BrokerUnavailable('It did not answer in time.')))
  try {
    const reply = await connection.send('sentinel', ['MASTER', masterName], { what: 'find the master', buffers: false })
    return readAnswer(reply as string[], masterName, minOthers)
  } finally {
    cancel()
    connection.end(new BrokerUnavailable('It has answered.'))
  }
}

function readAnswer(reply: readonly string[], masterName: string, minOthers: number): Answer {
  const fields = new Map<string, string>()
  for (let i = 0; i + 1 < reply.length; i += 2) fields.set(reply[i]!, reply[i + 1]!)
  const flags = (fields.get('flags') ?? '').split(',')
  const down = ['s_down', 'o_down', 'disconnected'].find((flag) => flags.includes(flag))
  if (down !== undefined) throw new BrokerUnavailable(`It takes ${masterName} for down (${down}).`)
  const others = Number(fields.get('num-other-sentinels') ?? 0)
  if (others < minOthers)
    throw new BrokerUnavailable(`It sees ${others} other sentinels, and \`minOtherSentinels\` is ${minOthers}.`)
  return {
    address: { host: fields.get('ip') ?? '', port: Number(fields.get('port')) },
    epoch: Number(fields.get('config-epoch') ?? 0),
  }
}

function messageOf(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason)
}
