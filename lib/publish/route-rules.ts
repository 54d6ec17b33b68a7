import { printable } from '../base/loggable.ts'
import { nearestName } from '../base/nearest-name.ts'
import { isGlob, matchesGlob } from './name-glob.ts'
import { queueNameProblem } from './queue-name.ts'

/** Where a route sends a task: a queue's name, or more. What is left out is for the next rule down to say: queue, then default. */
export type RouteTarget = string | RouteOptions

/** A {@link RouteTarget} in full. */
export interface RouteOptions {
  readonly queue?: string | undefined
  readonly exchange?: string | undefined
  readonly routingKey?: string | undefined
  /** Taken where neither call nor task gave one; a whole number from 0 to 255 with the broker's own meaning. */
  readonly priority?: number | undefined
}

/** Routes a task in code: answers with a target, or with null or undefined for "not mine". Must answer at once, not with a promise. */
export type RouteFunction = (
  task: string,
  args: readonly unknown[],
  kwargs: Readonly<Record<string, unknown>>,
  options: RouteOptions,
) => RouteTarget | null | undefined

/** A pattern and where it leads: a name, a glob (`*`, `?`) or a RegExp. RegExps see at most 255 characters of a name. */
export type RoutePair = readonly [pattern: string | RegExp, target: RouteTarget]

/** One rule set: a map of names and globs, a Map that may hold RegExps too, a pair, or a function. */
export type RouteRule =
  | Readonly<Record<string, RouteTarget>>
  | ReadonlyMap<string | RegExp, RouteTarget>
  | RoutePair
  | RouteFunction

/** `taskRoutes`. In a map, whole names win over patterns, patterns are tried in order; in a list, the first rule that answers wins. */
export type TaskRoutes = RouteRule | readonly (RouteRule | readonly RoutePair[])[]

/** What is routed, as a route function sees it. */
export interface RoutedCall {
  readonly task: string
  readonly args: readonly unknown[]
  readonly kwargs: Readonly<Record<string, unknown>>
  readonly options: RouteOptions
}

/** Finds a call's target; undefined when no rule answers. `place` says which rule, for errors. */
export type RouteLookup = (call: RoutedCall) => { readonly target: RouteOptions; readonly place: string } | undefined

const maxPatternSubject = 255
const targetKeys = ['queue', 'exchange', 'routingKey', 'priority'] as const

/**
 * Turns checked `taskRoutes` into one function. A route function's errors pass through as they are; a target that it makes up is checked
 * by `onBadTarget`, which throws.
 */
export function routeLookup(
  routes: TaskRoutes | null,
  onBadTarget: (place: string, problems: string[]) => never,
): RouteLookup {
  const lookups = listOfRules(routes).map(({ rule, place }) => ruleLookup(rule, place, onBadTarget))
  return (call) => {
    for (const lookup of lookups) {
      const found = lookup(call)
      if (found !== undefined) return found
    }
    return undefined
  }
}

function ruleLookup(
  rule: unknown,
  place: string,
  onBadTarget: (place: string, problems: string[]) => never,
): RouteLookup {
  if (typeof rule === 'function') {
    return ({ task, args, kwargs, options }) => {
      const target = (rule as RouteFunction)(task, args, kwargs, options)
      if (target === null || target === undefined) return undefined
      const problems = targetProblems(target)
      return problems.length > 0 ? onBadTarget(place, problems) : { target: optionsOf(target), place }
    }
  }
  const exact = new Map<string, RouteOptions>()
  const patterns: { readonly fits: (name: string) => boolean; readonly target: RouteOptions }[] = []
  for (const [pattern, target] of pairsOf(rule)) {
    if (typeof pattern === 'string' && !isGlob(pattern)) exact.set(pattern, optionsOf(target))
    else patterns.push({ fits: matcherOf(pattern), target: optionsOf(target) })
  }
  return ({ task }) => {
    const target = exact.get(task) ?? patterns.find(({ fits }) => fits(task))?.target
    return target && { target, place }
  }
}

function matcherOf(pattern: string | RegExp): (name: string) => boolean {
  if (typeof pattern === 'string') return (name) => matchesGlob(pattern, name)
  // Without g and y, which would make a RegExp remember where it stood between two calls.
  const stateless = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''))
  return (name) => stateless.test(name.slice(0, maxPatternSubject))
}

function optionsOf(target: RouteTarget): RouteOptions {
  return typeof target === 'string' ? { queue: target } : target
}

function listOfRules(routes: unknown): { rule: unknown; place: string }[] {
  if (routes === null || routes === undefined) return []
  if (!Array.isArray(routes) || isPair(routes)) return [{ rule: routes, place: 'taskRoutes' }]
  return routes.flatMap((rule: unknown, index) => {
    const place = `taskRoutes[${index}]`
    if (!Array.isArray(rule) || isPair(rule)) return [{ rule, place }]
    return rule.map((pair: unknown, inner) => ({ rule: pair, place: `${place}[${inner}]` }))
  })
}

function isPair(value: readonly unknown[]): boolean {
  return typeof value[0] === 'string' || value[0] instanceof RegExp
}

function pairsOf(rule: unknown): readonly RoutePair[] {
  if (Array.isArray(rule)) return [rule as unknown as RoutePair]
  return rule instanceof Map ? [...rule] : Object.entries(rule as Record<string, RouteTarget>)
}

/** Everything that is wrong with a value of `taskRoutes`; phrases that follow the setting's name. */
export function routeProblems(value: unknown): string[] {
  return listOfRules(value).flatMap(({ rule, place }) => {
    const at = place.slice('taskRoutes'.length)
    if (typeof rule === 'function') return []
    if (typeof rule !== 'object' || rule === null || rule instanceof RegExp)
      return [`${at} must be a map of names to queues, a [pattern, target] pair or a function`]
    if (Array.isArray(rule) && (rule.length !== 2 || !isPair(rule)))
      return [`${at} must be a pair [name, glob or RegExp, queue or { queue, exchange, routingKey, priority }]`]
    return pairsOf(rule).flatMap(([pattern, target]) => {
      const shown = `${at} for ${typeof pattern === 'string' ? `"${printable(pattern.slice(0, 80))}"` : String(pattern)}`
      if (typeof pattern !== 'string' && !(pattern instanceof RegExp))
        return [`${shown} must have a text or a RegExp as its pattern`]
      return targetProblems(target).map((problem) => `${shown} ${problem}`)
    })
  })
}

/** Everything that is wrong with a target; phrases. */
export function targetProblems(target: unknown): string[] {
  if (target instanceof Promise) return ['must be answered at once, not with a promise']
  if (typeof target === 'string') {
    const problem = queueNameProblem(target)
    return problem === undefined ? [] : [`must be a queue name that is ${problem}`]
  }
  if (typeof target !== 'object' || target === null || Array.isArray(target))
    return ['must be a queue name or an object of queue, exchange, routingKey, priority']
  return Object.entries(target).flatMap(([key, value]) => {
    if (value === undefined) return []
    if (!targetKeys.includes(key as 'queue')) {
      const nearest = nearestName(key, targetKeys)
      return [
        `has the unknown key ${printable(key.slice(0, 60))}. ${nearest ? `Did you mean ${nearest}?` : `It takes ${targetKeys.join(', ')}`}`,
      ]
    }
    if (key === 'priority') return isPriority(value) ? [] : ['has a priority that is no whole number from 0 to 255']
    if (key === 'exchange' && value === '') return []
    const problem = queueNameProblem(value)
    return problem === undefined ? [] : [`has a ${key} that must be ${problem}`]
  })
}

function isPriority(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 255
}
