import { createHash } from 'node:crypto'
import type { CallOptions, RedisCall, RedisCommands, RedisValue, ScriptText, ScriptTexts } from './redis-commands.ts'

/** A script with its keys and arguments by name. The names are local variables of the Lua text, so nobody counts positions. */
export interface ScriptDefinition<Key extends string, Arg extends string, Reply> {
  /** As errors name it: `return-expired`. */
  readonly name: string
  /** Each one key of Redis; a list of keys of any length is `rest`. */
  readonly keys: readonly Key[]
  readonly args: readonly Arg[]
  /**
   * What follows the named ones, as a table under this name: `keys` after the named keys, or `args` after the named arguments.
   * Lua's `unpack` fails beyond some 8,000 values: go through it in portions.
   */
  readonly rest?: { readonly keys?: string | undefined; readonly args?: string | undefined } | undefined
  /** From Redis 7 on, such as `allow-oom`; servers before that don't know them, and get the script without. */
  readonly flags?: readonly string[] | undefined
  /** Doing it twice does no harm, so it is sent again when its connection ends before the reply. @default false */
  readonly repeat?: boolean | undefined
  /** Texts in the reply are given as Buffers. @default false */
  readonly buffers?: boolean | undefined
  /** Reads the reply. */
  readonly reply: (raw: unknown) => Reply
  readonly lua: string
}

export interface RedisScript<Key extends string, Arg extends string, Reply> {
  readonly name: string
  readonly texts: ScriptTexts
  /** As one call of a pipeline; its reply is read by {@link reply}. */
  call(keys: Readonly<Record<Key, string>>, args: Readonly<Record<Arg, RedisValue>>, rest?: ScriptRest): RedisCall
  readonly reply: (raw: unknown) => Reply
  run(
    target: RedisCommands,
    keys: Readonly<Record<Key, string>>,
    args: Readonly<Record<Arg, RedisValue>>,
    options?: ScriptRest & CallOptions,
  ): Promise<Reply>
}

/** Values after the named ones. */
export interface ScriptRest {
  readonly restKeys?: readonly string[] | undefined
  readonly restArgs?: readonly RedisValue[] | undefined
}

/** Makes a script: one `local` line for its keys and one for its arguments, then its text. Run as EVALSHA, as EVAL where it isn't known. */
export function defineScript<Key extends string, Arg extends string, Reply>(
  definition: ScriptDefinition<Key, Arg, Reply>,
): RedisScript<Key, Arg, Reply> {
  const { name, keys, args, reply, repeat, buffers } = definition
  const texts: ScriptTexts = {
    plain: textOf(definition, []),
    flagged: definition.flags === undefined ? undefined : textOf(definition, definition.flags),
  }
  const makeCall: RedisScript<Key, Arg, Reply>['call'] = (keyOf, argOf, { restKeys = [], restArgs = [] } = {}) => ({
    name: 'EVALSHA',
    args: [
      keys.length + restKeys.length,
      ...keys.map((key) => keyOf[key]),
      ...restKeys,
      ...args.map((arg) => argOf[arg]),
      ...restArgs,
    ],
    script: texts,
    what: name,
  })
  return {
    name,
    texts,
    call: makeCall,
    reply,
    async run(target, keyOf, argOf, options = {}) {
      const [raw] = await target.pipeline([makeCall(keyOf, argOf, options)], {
        repeat,
        buffers,
        what: name,
        ...options,
      })
      if (raw instanceof Error) throw raw
      return reply(raw)
    },
  }
}

function textOf(definition: ScriptDefinition<string, string, unknown>, flags: readonly string[]): ScriptText {
  const { keys, args, rest = {} } = definition
  const lines = [
    ...(flags.length === 0 ? [] : [`#!lua flags=${flags.join(',')}`]),
    ...localsOf(keys, 'KEYS', rest.keys),
    ...localsOf(args, 'ARGV', rest.args),
    withoutIndent(definition.lua),
  ]
  const lua = lines.join('\n')
  return { lua, sha: createHash('sha1').update(lua).digest('hex') }
}

function localsOf(names: readonly string[], table: 'KEYS' | 'ARGV', rest: string | undefined): string[] {
  const lines =
    names.length === 0 ? [] : [`local ${names.join(', ')} = ${names.map((_, i) => `${table}[${i + 1}]`).join(', ')}`]
  if (rest === undefined) return lines
  if (names.length === 0) return [`local ${rest} = ${table}`]
  return [
    ...lines,
    `local ${rest} = {}`,
    `for i = ${names.length + 1}, #${table} do ${rest}[i - ${names.length}] = ${table}[i] end`,
  ]
}

/** What the server keeps and hashes should not depend on how the source is indented. */
function withoutIndent(lua: string): string {
  return lua
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('--'))
    .join('\n')
}
