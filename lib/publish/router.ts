import { Unroutable } from '../base/errors.ts'
import { printable } from '../base/loggable.ts'
import { nearestName } from '../base/nearest-name.ts'
import { type Queue, queuesOf, type Route } from '../broker/queue.ts'
import type { Destination } from './call.ts'
import { queueNameProblem } from './queue-name.ts'
import { missingQueue, type QueueDefaults, type QueueSpec, queueOfSpec } from './queue-spec.ts'
import { type RouteLookup, type RouteOptions, routeLookup, type TaskRoutes } from './route-rules.ts'

export interface RouterOptions {
  /** `taskQueues`; null means the default queue alone. */
  readonly queues: readonly (string | QueueSpec)[] | null
  readonly routes: TaskRoutes | null
  /** `taskDefaultQueue`, `taskDefaultExchange`, `taskDefaultExchangeType`, `taskDefaultRoutingKey`. */
  readonly defaults: QueueDefaults
  /** `taskCreateMissingQueues`. */
  readonly createMissing: boolean
  /** `taskDefaultPriority`. */
  readonly defaultPriority?: number | null | undefined
}

/** What the router looks at; a Call fits. */
export interface Routable {
  readonly task: string
  readonly args: readonly unknown[]
  readonly kwargs: Readonly<Record<string, unknown>>
  /** What the call says, the task's own options merged in or apart in `taskDestination`. */
  readonly destination: Destination
  readonly taskDestination?: Destination | undefined
  readonly priority?: number | undefined
}

/** Where a call goes. `queue` is for people and hooks: its name, or the first queue that is bound. */
export interface FoundRoute extends Route {
  readonly queue: string
  /** The call's own, else the rule's, else the default; undefined sends none. */
  readonly priority: number | undefined
}

/** More would only be names that a program makes for one call each. */
const rememberedNames = 1000

/**
 * Task name and options → route, by Celery's precedence: call, task, `taskRoutes`, default queue. Each of queue, exchange and routing key
 * is taken from the first that says it; but whoever names a queue answers for all three, so that an explicit queue is never bent by a
 * route further down. A direct queue is reached by its name through the default exchange, whatever exchange it is bound to.
 */
export class Router {
  readonly #options: RouterOptions
  readonly #declared = new Map<string, Queue>()
  readonly #lookup: RouteLookup
  /** Names that were checked before: the check costs more than the rest of a route. */
  readonly #goodNames = new Set<string>()

  constructor(options: RouterOptions) {
    this.#options = options
    for (const spec of options.queues ?? [options.defaults.queue]) {
      const queue = queueOfSpec(spec, options.defaults)
      this.#declared.set(queue.name, queue)
    }
    this.#lookup = routeLookup(options.routes, (place, problems) => {
      throw new Unroutable(`${place} answered with a route that cannot be: ${problems.join('; ')}.`)
    })
  }

  /** @throws {Unroutable} when the queue is unknown and missing ones are not created, or a name is not one */
  route(call: Routable): FoundRoute {
    const asked = merge(call.destination, call.taskDestination)
    const rule = this.#ruleOf(call, asked)
    const { queue, exchange, routingKey } = merge(asked, rule)
    const priority = call.priority ?? rule?.priority ?? this.#options.defaultPriority ?? undefined
    this.#checkName(call.task, 'queue', queue)
    this.#checkName(call.task, 'exchange', exchange)
    this.#checkName(call.task, 'routingKey', routingKey)
    if (exchange === undefined && routingKey === undefined)
      return { ...this.#routeTo(call.task, queue ?? this.#options.defaults.queue), priority }
    // As in Celery, who gives only a part borrows the rest from the queue: its exchange, its first routing key.
    const borrowed =
      exchange !== undefined && queue === undefined
        ? undefined
        : this.#queueFor(call.task, queue ?? this.#options.defaults.queue)
    const route: Route = {
      exchange: exchange ?? borrowed!.exchange.name,
      routingKey:
        routingKey ?? borrowed?.routingKeys[0] ?? this.#options.defaults.routingKey ?? this.#options.defaults.queue,
    }
    return { ...route, queue: queue ?? queuesOf(route, this.#declared.values())[0] ?? route.routingKey, priority }
  }

  /** True for the default exchange and those of the declared queues. */
  knowsExchange(name: string): boolean {
    if (name === '') return true
    for (const { exchange } of this.#declared.values()) if (exchange.name === name) return true
    return false
  }

  /** What is declared: `taskQueues`, or the default queue alone. */
  queues(): Queue[] {
    return [...this.#declared.values()]
  }

  /**
   * A queue by name: as declared, else made as Celery makes missing ones.
   * @param what what it is needed for, as the error shall begin: `Cannot consume`
   * @throws {Unroutable}
   */
  queueNamed(name: string, what: string): Queue {
    const known = this.#declared.get(name)
    if (known !== undefined) return known
    if (this.#options.createMissing) return missingQueue(name)
    const nearest = nearestName(name, this.#declared.keys())
    const hint =
      nearest === undefined ? `It has ${[...this.#declared.keys()].join(', ')}.` : `Did you mean "${nearest}"?`
    throw new Unroutable(`${what}: queue "${name}" is not in taskQueues, and taskCreateMissingQueues is off. ${hint}`)
  }

  #routeTo(task: string, name: string): Route & { queue: string } {
    const queue = this.#queueFor(task, name)
    if (queue.exchange.type === 'direct') return { exchange: '', routingKey: name, queue: name }
    return { exchange: queue.exchange.name, routingKey: queue.routingKeys[0] ?? name, queue: name }
  }

  #queueFor(task: string, name: string): Queue {
    return this.#declared.get(name) ?? this.queueNamed(name, `Cannot send ${task}`)
  }

  #checkName(task: string, what: string, name: string | undefined): void {
    if (name === undefined || (what === 'exchange' && name === '') || this.#goodNames.has(name)) return
    const problem = queueNameProblem(name)
    if (problem !== undefined)
      throw new Unroutable(
        `Cannot send ${task}: its ${what} "${printable(String(name).slice(0, 80))}" must be ${problem}.`,
      )
    if (this.#goodNames.size < rememberedNames) this.#goodNames.add(name)
  }

  #ruleOf({ task, args, kwargs, priority }: Routable, asked: Destination): RouteOptions | undefined {
    if (this.#options.routes === null) return undefined
    return this.#lookup({ task, args, kwargs, options: { ...asked, priority } })?.target
  }
}

function merge(first: Destination, second: Destination | undefined): Destination {
  if (second === undefined || first.queue !== undefined) return first
  return {
    queue: second.queue,
    exchange: first.exchange ?? second.exchange,
    routingKey: first.routingKey ?? second.routingKey,
  }
}
