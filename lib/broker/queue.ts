/** A queue as it is declared; AMQP's vocabulary. Brokers without exchanges keep the bindings and route by them themselves. */
export interface Queue {
  readonly name: string
  readonly exchange: Exchange
  /** Routing keys that lead here; a topic exchange's may hold `*` (one word) and `#` (any words). */
  readonly routingKeys: readonly string[]
  readonly durable: boolean
  /** Broker arguments (`x-max-priority`, `x-queue-type` …), passed on as they are. */
  readonly arguments: Readonly<Record<string, unknown>>
}

/** `name: ''` is AMQP's default exchange: the routing key is the queue's name. */
export interface Exchange {
  readonly name: string
  readonly type: 'direct' | 'topic' | 'fanout' | 'headers'
}

/** Where one message goes. */
export interface Route {
  /** `''` for the default exchange: straight to the queue named by the routing key. */
  readonly exchange: string
  readonly routingKey: string
}

/** A queue that is reached by its name alone. */
export function plainQueue(name: string): Queue {
  return { name, exchange: { name: '', type: 'direct' }, routingKeys: [name], durable: true, arguments: {} }
}

/**
 * Names of the queues that a route leads to, by the declared queues' bindings; for brokers that have no exchanges of their own.
 * The default exchange leads to the queue named by the routing key, declared or not.
 */
export function queuesOf(route: Route, declared: Iterable<Queue>): string[] {
  if (route.exchange === '') return [route.routingKey]
  const names: string[] = []
  for (const queue of declared)
    if (queue.exchange.name === route.exchange && isBound(queue, route.routingKey)) names.push(queue.name)
  return names
}

function isBound(queue: Queue, routingKey: string): boolean {
  if (queue.exchange.type === 'fanout') return true
  if (queue.exchange.type === 'topic') return queue.routingKeys.some((pattern) => matchesTopic(pattern, routingKey))
  return queue.routingKeys.includes(routingKey)
}

/** AMQP 0-9-1, 3.1.3.3: words are separated by dots, `*` is one word, `#` any number of them. Linear in both lengths. */
export function matchesTopic(pattern: string, routingKey: string): boolean {
  const wanted = pattern.split('.')
  const words = routingKey.split('.')
  let at = 0
  let word = 0
  let hashAt = -1
  let hashWord = 0
  while (word < words.length) {
    if (wanted[at] === '#') {
      hashAt = at++
      hashWord = word
    } else if (at < wanted.length && (wanted[at] === '*' || wanted[at] === words[word])) {
      at++
      word++
    } else if (hashAt >= 0) {
      at = hashAt + 1
      word = ++hashWord
    } else return false
  }
  while (wanted[at] === '#') at++
  return at === wanted.length
}
