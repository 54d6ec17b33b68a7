import { InvalidTask, NotRegistered } from '../base/errors.ts'
import { nearestName } from '../base/nearest-name.ts'
import { ambient } from './current-app.ts'
import type { TaskDefinition } from './task-definition.ts'

/** The tasks that one app knows, as its users may look at them. */
export interface ReadonlyTaskRegistry extends Iterable<TaskDefinition> {
  /** By name; undefined when there is none. */
  find(name: string): TaskDefinition | undefined
  /** By name. @throws {NotRegistered} with the nearest right name */
  get(name: string): TaskDefinition
  /** Sorted. */
  names(): string[]
}

/** The tasks of one app: its own, and those that belong to no app, also the ones defined later. */
export class TaskRegistry implements ReadonlyTaskRegistry {
  readonly #own = new Map<string, TaskDefinition>()
  readonly #replaces: boolean

  /** @param options.replace a task replaces the one of its name, as for a reload @default false */
  constructor(options: { replace?: boolean | undefined } = {}) {
    this.#replaces = options.replace ?? false
  }

  /** @throws {InvalidTask} when there is one of that name */
  register(definition: TaskDefinition): void {
    const other = this.find(definition.name)
    if (other !== undefined && !this.#replaces && ambient().replaceTasks !== true) throw twoOfOneName(other, definition)
    this.#own.set(definition.name, definition)
  }

  find(name: string): TaskDefinition | undefined {
    return this.#own.get(name) ?? ambient().sharedTasks.get(name)
  }

  get(name: string): TaskDefinition {
    const definition = this.find(name)
    if (definition !== undefined) return definition
    const nearest = nearestName(name, this.names())
    const hint = nearest === undefined ? 'Import the module that defines it.' : `Did you mean "${nearest}"?`
    throw new NotRegistered(`No task is named ${JSON.stringify(name.slice(0, 255))} here. ${hint}`)
  }

  names(): string[] {
    return [...new Set([...this.#own.keys(), ...ambient().sharedTasks.keys()])].sort()
  }

  *[Symbol.iterator](): Iterator<TaskDefinition> {
    for (const name of this.names()) yield this.get(name)
  }
}

/**
 * Makes a task known to every app, present and future.
 * @throws {InvalidTask} when there is one of that name, shared or of an app
 */
export function registerSharedTask(definition: TaskDefinition): void {
  const { apps, sharedTasks, onSharedTask, replaceTasks } = ambient()
  const other = sharedTasks.get(definition.name) ?? apps.map((app) => app.findTask(definition.name)).find(Boolean)
  if (other !== undefined && replaceTasks !== true) throw twoOfOneName(other, definition)
  sharedTasks.set(definition.name, definition)
  for (const listener of onSharedTask) listener(definition)
}

function twoOfOneName(first: TaskDefinition, second: TaskDefinition): InvalidTask {
  return new InvalidTask(
    `Two tasks are named "${first.name}": one at ${first.definedAt}, another at ${second.definedAt}. Rename one; a worker finds tasks by name.`,
  )
}
