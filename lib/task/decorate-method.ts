import { InvalidTask } from '../base/errors.ts'
import { isTable, shown } from '../canvas/plain-value.ts'
import { type DefinitionOptions, defineTask } from './define-task.ts'
import type { DefinitionSite } from './definition-site.ts'
import { createTask } from './task.ts'
import type { TaskDefinition } from './task-definition.ts'
import type { AppLookup } from './task-methods.ts'

/** What a decorator was given, and where its task belongs. */
export interface Decorating {
  readonly home: { register(definition: TaskDefinition): void; readonly app: AppLookup }
  readonly options: DefinitionOptions
  readonly site: DefinitionSite
}

/** True for the arguments that a decorator is called with, of either kind. */
export function isDecoration(first: unknown, second: unknown): boolean {
  const isMember = typeof first === 'function' || (typeof first === 'object' && first !== null)
  return isContext(second) || (isMember && (typeof second === 'string' || typeof second === 'symbol'))
}

/**
 * Makes a static method a task: with TC39's decorators, called with the method and its context; with `experimentalDecorators`, with the
 * class, the key and the property.
 * @throws {InvalidTask} for anything but a public static method
 */
export function decorateMethod(decorating: Decorating, [first, second, third]: [unknown, unknown, unknown]): unknown {
  if (isContext(second)) return decorateByContext(decorating, first, second)
  const value = isTable(third) ? third['value'] : undefined
  if (typeof first !== 'function' || typeof value !== 'function')
    throw refused(typeof second === 'symbol' ? String(second) : shown(second))
  const owner = first
  const definition = defineTask({
    fn: value,
    owner,
    fallbackName: nameOf(owner, second),
    options: decorating.options,
    site: decorating.site,
  })
  decorating.home.register(definition)
  const task = createTask({ fn: value, definition: () => definition, app: decorating.home.app, owner: () => owner })
  return { ...(third as PropertyDescriptor), value: task }
}

/** The second argument of a decorator by the TC39 proposal, as far as it matters here. */
interface DecoratorContext {
  readonly kind: string
  readonly name: string | symbol
  readonly static?: boolean
  readonly private?: boolean
  addInitializer(initializer: (this: Function) => void): void
}

function decorateByContext({ home, options, site }: Decorating, fn: unknown, context: DecoratorContext): unknown {
  if (context.kind !== 'method' || context.static !== true || context.private === true || typeof fn !== 'function')
    throw refused(String(context.name))
  let owner: Function | undefined
  let definition: TaskDefinition | undefined
  // The class itself, its name and the `this` of its methods, is there only when its initializers run.
  context.addInitializer(function () {
    owner = this
    definition = defineTask({ fn, owner, fallbackName: nameOf(owner, context.name), options, site })
    home.register(definition)
  })
  return createTask({
    fn,
    app: home.app,
    owner: () => owner,
    definition() {
      if (definition !== undefined) return definition
      throw new InvalidTask(`The task ${String(context.name)} was used before its class was defined.`)
    },
  })
}

function isContext(value: unknown): value is DecoratorContext {
  const context = Object(value) as Partial<DecoratorContext>
  return typeof context.kind === 'string' && typeof context.addInitializer === 'function'
}

/** Empty for a symbol, which is no name on the wire. */
function nameOf(owner: Function, key: unknown): string {
  // esbuild, and tsx with it, calls a class that mentions itself `_Reports`; other compilers leave it `Reports`. Sender and worker may be
  // compiled differently, and must not differ in the name.
  return typeof key === 'string' ? `${owner.name.replace(/^_+/, '')}.${key}` : ''
}

function refused(member: string): InvalidTask {
  return new InvalidTask(
    `${member} can't be a task: only public static methods can, because a worker has no instance to call a method of.`,
  )
}
