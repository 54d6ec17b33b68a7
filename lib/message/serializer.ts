import { NotSupported } from '../base/errors.ts'
import { JsonSerializer } from './json-serializer.ts'

/** Turns values into bytes and back. Holds no state. */
export interface Serializer {
  /** As in Celery's settings: `json`, `msgpack`. */
  readonly name: string
  readonly contentType: string
  /** `utf-8`, or `binary` where the bytes are no text. */
  readonly contentEncoding: string
  /**
   * `undefined` alone is written as null; inside a list it is refused, as a member it is left out.
   * @param rootNames what paths in errors call the elements of a root list: `['args', 'kwargs']` makes the path `args[1].when`
   * @throws {Unserializable} naming the path of what can't travel
   */
  encode(value: unknown, rootNames?: readonly string[]): string | Uint8Array
  /**
   * What it returns is safe to read: members named `__proto__` are own data.
   * @throws {DecodeError}
   */
  decode(data: string | Uint8Array): unknown
}

export interface SerializerOptions {
  /** How JSON carries dates, bytes and other types: `kombu` for kombu >= 5.3 and ourselves; `plain` texts for Celery 5.2 workers. */
  readonly typedValues: 'kombu' | 'plain'
  /** Levels of arrays and objects inside each other, both ways. */
  readonly maxDepth: number
  /** Estimated memory of what one body becomes; more is refused before it is decoded. @default 256 MiB */
  readonly maxDecodedBytes?: number | undefined
}

/** The serializers of one app, and which of them it reads. */
export class Serializers {
  readonly #options: SerializerOptions
  readonly #accept: ReadonlySet<string>
  readonly #loaded = new Map<string, Serializer>()

  /** @param options `accept` lists names or content types; a message of any other is refused undecoded */
  constructor(options: SerializerOptions & { readonly accept: readonly string[] }) {
    this.#options = options
    this.#accept = new Set(options.accept.map((name) => contentTypes.get(name) ?? name))
    this.#keep(new JsonSerializer(options))
  }

  /**
   * Loads a serializer by name or content type, once.
   * @throws {NotSupported} for one that this library does not have
   */
  async load(name: string): Promise<Serializer> {
    const loaded = this.#loaded.get(name)
    if (loaded !== undefined) return loaded
    if ((contentTypes.get(name) ?? name) !== 'application/x-msgpack') throw new NotSupported(unknownText(name))
    const { MsgpackSerializer } = await import('./msgpack-serializer.ts')
    return this.#keep(new MsgpackSerializer(this.#options))
  }

  /** Loads all that are accepted, so that {@link accepted} can answer at once. @throws {NotSupported} */
  async loadAccepted(): Promise<void> {
    await Promise.all([...this.#accept].map((contentType) => this.load(contentType)))
  }

  /** @throws {NotSupported} when it was not loaded before, or does not exist */
  loaded(name: string): Serializer {
    const serializer = this.#loaded.get(name)
    if (serializer !== undefined) return serializer
    throw new NotSupported(
      contentTypes.get(name) === undefined && ![...contentTypes.values()].includes(name)
        ? unknownText(name)
        : `The ${name} serializer was not loaded. Call load('${name}') and wait for it before it is used.`,
    )
  }

  /**
   * The serializer of a message.
   * @returns undefined for a content type that is not accepted
   * @throws {NotSupported} when it is accepted but was never loaded
   */
  accepted(contentType: string): Serializer | undefined {
    if (!this.#accept.has(contentType)) return undefined
    return this.#loaded.get(contentType) ?? this.loaded(contentType)
  }

  #keep(serializer: Serializer): Serializer {
    this.#loaded.set(serializer.name, serializer)
    this.#loaded.set(serializer.contentType, serializer)
    return serializer
  }
}

const contentTypes = new Map([
  ['json', 'application/json'],
  ['msgpack', 'application/x-msgpack'],
])

function unknownText(name: string): string {
  const why = /pickle|python-serialize/.test(name)
    ? 'pickle runs code from the message'
    : `there is no serializer "${name.slice(0, 80)}" here`
  return `Could not load the ${name.slice(0, 80)} serializer: ${why}. There are json and msgpack; set the sender's task_serializer to one of them.`
}
