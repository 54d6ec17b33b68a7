import { InvalidTask } from '../base/errors.ts'
import { nearestName } from '../base/nearest-name.ts'
import { isTable, shown } from '../canvas/plain-value.ts'

/** One named parameter. */
export interface Param {
  readonly name: string
  /** Written with `?`: absent is `undefined`. */
  readonly optional: boolean
}

/**
 * Parsed `params`, which read like a Python signature: `['x', 'y?', '*rest']`, `['x', '*', 'flag?', '**others']`. Parameters after `*` are
 * by name only; they, and what `**` collects, arrive as one last object.
 */
export interface ParamList {
  /** By position or by name. */
  readonly positional: readonly Param[]
  /** Name of `*rest`, or undefined. */
  readonly rest: string | undefined
  /** By name only. */
  readonly named: readonly Param[]
  /** Name of `**rest`, or undefined. */
  readonly namedRest: string | undefined
}

/** What binding needs of a task; a definition fits. */
export interface Bindable {
  readonly name: string
  readonly params?: ParamList | undefined
}

/** Arguments as a message has them. */
export interface Arguments {
  readonly args: readonly unknown[]
  readonly kwargs: Readonly<Record<string, unknown>>
}

/**
 * Reads `params`.
 * @param what whose they are, as the error shall begin: `Task "math.add"`
 * @throws {InvalidTask} with everything that is wrong
 */
export function parseParams(list: unknown, what = 'A task'): ParamList {
  const { params, problems } = readParams(list)
  if (problems.length === 0) return params
  throw new InvalidTask(`${what} has wrong params: ${problems.join('; ')}. ${paramsHint}`)
}

/** As {@link parseParams}, with what is wrong as phrases; `params` is of use only when there are none. */
export function readParams(list: unknown): { params: ParamList; problems: string[] } {
  const reader = new ParamReader()
  if (!Array.isArray(list))
    return { params: reader.list, problems: [`params must be a list of names, not ${shown(list)}`] }
  for (const item of list as unknown[]) reader.read(item)
  return { params: reader.list, problems: reader.finish() }
}

/** How params are written, for errors. */
export const paramsHint = "Params read like a Python signature: ['x', 'y?', '*', 'flag?']."

/**
 * A message's arguments in the order in which the function takes them, as Python binds them. Without `params`, keyword arguments are
 * refused: a JavaScript function has no names to bind them to.
 * @throws {TypeError} in Python's words
 */
export function bindArguments(
  target: Bindable,
  args: readonly unknown[],
  kwargs: Readonly<Record<string, unknown>>,
): unknown[] {
  const { name, params } = target
  if (params === undefined) {
    for (const key in kwargs) throw new TypeError(`${name}() got an unexpected keyword argument '${key}': ${howToName}`)
    return args as unknown[]
  }
  const { positional, rest } = params
  if (args.length > positional.length && rest === undefined) throw tooMany(target, args)
  const values = args.slice(0, positional.length)
  const last = bindNames(target, kwargs, values)
  refuseMissing(target, values, last)
  const takesObject = params.named.length > 0 || params.namedRest !== undefined
  const places = takesObject || args.length > positional.length ? positional.length : values.length
  for (let index = 0; index < places; index++) if (!(index in values)) values[index] = undefined
  for (let index = positional.length; index < args.length; index++) values.push(args[index])
  if (takesObject) values.push(last)
  return values
}

/**
 * The arguments of a call as they shall be sent, checked as the worker will check them. A function whose by-name arguments arrive as one
 * last object may be called with that object: it is sent as keyword arguments.
 * @throws {TypeError} in Python's words
 */
export function checkArguments(
  target: Bindable,
  args: readonly unknown[],
  kwargs: Readonly<Record<string, unknown>>,
): Arguments {
  const sent = withNamedApart(target.params, { args, kwargs })
  bindArguments(target, sent.args, sent.kwargs)
  return sent
}

/** Takes the last object of by-name arguments out of the positional ones, where there is one. */
export function withNamedApart(params: ParamList | undefined, given: Arguments): Arguments {
  if (params === undefined || (params.named.length === 0 && params.namedRest === undefined)) return given
  const { args, kwargs } = given
  const last = args.at(-1)
  for (const _ in kwargs) return given
  return isTable(last) && args.length > params.positional.length
    ? { args: args.slice(0, -1), kwargs: { ...last } }
    : given
}

const howToName = "define the task with params: ['x', 'y?'] to bind arguments by name"

const isParamName = /^[\p{ID_Start}_$][\p{ID_Continue}$]*$/u

class ParamReader {
  readonly #positional: Param[] = []
  readonly #named: Param[] = []
  readonly #seen = new Set<string>()
  readonly #problems: string[] = []
  #rest: string | undefined
  #namedRest: string | undefined
  #hasStar = false

  get list(): ParamList {
    return { positional: this.#positional, rest: this.#rest, named: this.#named, namedRest: this.#namedRest }
  }

  read(item: unknown): void {
    const [, stars = '', name = '', mark = ''] =
      (typeof item === 'string' ? /^(\*{0,2})(.*?)(\??)$/s.exec(item) : null) ?? []
    const isBareStar = stars === '*' && name === '' && mark === ''
    if (this.#namedRest !== undefined) this.#refuse(`nothing may follow '**${this.#namedRest}'`)
    else if (!isBareStar && !isParamName.test(name)) this.#refuse(`${shown(item)} is no name`)
    else if (stars !== '' && mark !== '') this.#refuse(`'${stars}${name}' may be empty anyway: leave out the '?'`)
    else if (this.#seen.has(name)) this.#refuse(`'${name}' stands there twice`)
    else {
      if (!isBareStar) this.#seen.add(name)
      this.#take(stars, { name, optional: mark === '?' })
    }
  }

  finish(): string[] {
    if (this.#hasStar && this.#rest === undefined && this.#named.length === 0)
      this.#refuse("'*' must be followed by a name: it says that what follows is by name only")
    return this.#problems
  }

  #take(stars: string, param: Param): void {
    if (stars === '**') this.#namedRest = param.name
    else if (stars === '*') this.#star(param.name === '' ? undefined : param.name)
    else this.#param(param)
  }

  #star(name: string | undefined): void {
    if (this.#hasStar) this.#refuse("'*' stands there twice")
    this.#hasStar = true
    this.#rest = name
  }

  #param(param: Param): void {
    if (this.#hasStar) this.#named.push(param)
    else if (!param.optional && this.#positional.at(-1)?.optional === true)
      this.#refuse(`'${param.name}' follows one that may be left out, so it may be too: write '${param.name}?'`)
    else this.#positional.push(param)
  }

  #refuse(problem: string): void {
    this.#problems.push(problem)
  }
}

/** Puts keyword arguments into their places, with holes between them; those that are by name only into the object that it returns. */
function bindNames(target: Bindable, kwargs: Readonly<Record<string, unknown>>, values: unknown[]): object {
  const { positional, named, namedRest } = target.params!
  const byPosition = values.length
  // Without a prototype, `__proto__` is a name like any other.
  const last: Record<string, unknown> = Object.create(null)
  for (const key of Object.keys(kwargs)) {
    const index = positional.findIndex((param) => param.name === key)
    if (index >= 0 && index < byPosition)
      throw new TypeError(`${target.name}() got multiple values for argument '${key}'`)
    if (index >= 0) values[index] = kwargs[key]
    else if (namedRest !== undefined || named.some((param) => param.name === key)) last[key] = kwargs[key]
    else throw unexpected(target, key)
  }
  return last
}

function refuseMissing(target: Bindable, values: readonly unknown[], last: object): void {
  const { positional, named } = target.params!
  const missing = [
    ...positional.filter((param, index) => !param.optional && !(index in values)),
    ...named.filter((param) => !param.optional && !Object.hasOwn(last, param.name)),
  ]
  if (missing.length === 0) return
  const names = missing.map((param) => `'${param.name}'`)
  const listed = names.length === 1 ? names[0] : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
  throw new TypeError(
    `${target.name}() missing ${names.length} required argument${names.length === 1 ? '' : 's'}: ${listed}`,
  )
}

function tooMany({ name, params }: Bindable, args: readonly unknown[]): TypeError {
  const most = params!.positional.length
  const least = params!.positional.filter((param) => !param.optional).length
  const takes = least === most ? `${most}` : `from ${least} to ${most}`
  const were = args.length === 1 ? '1 was' : `${args.length} were`
  return new TypeError(`${name}() takes ${takes} positional argument${most === 1 ? '' : 's'} but ${were} given`)
}

function unexpected({ name, params }: Bindable, key: string): TypeError {
  const nearest = nearestName(
    key,
    [...params!.positional, ...params!.named].map((param) => param.name),
  )
  const hint = nearest === undefined ? '' : `. Did you mean '${nearest}'?`
  return new TypeError(`${name}() got an unexpected keyword argument '${key.slice(0, 100)}'${hint}`)
}
