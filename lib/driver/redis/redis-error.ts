import {
  BrokerUnavailable,
  MessageTooLarge,
  OutcomeUnknown,
  StoreFull,
  StoreUnusable,
  UmbelError,
} from '../../base/errors.ts'

/** What was being done, and where. */
export interface RedisAct {
  /** `publish`, `claim messages` … */
  readonly what: string
  /** The server's name, without user and password. */
  readonly server: string
}

/** An error that the server replied, as opposed to one of the connection. */
export function isReplyError(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ReplyError'
}

/** The first word of a reply error: `OOM`, `READONLY`, `ERR`. */
export function replyCode(error: Error): string {
  return /^-?([A-Z][A-Z0-9]*)/.exec(error.message)?.[1] ?? ''
}

/** Replies after which the connection is of no more use: the server is not, or no longer, one that serves us. */
const endings = new Set(['READONLY', 'LOADING', 'MASTERDOWN', 'NOAUTH', 'WRONGPASS', 'CLUSTERDOWN'])

/** True when the reply says that this connection's server does not serve us any more. */
export function endsConnection(error: Error): boolean {
  return endings.has(replyCode(error))
}

/** The library's error for one that the server replied; anything else comes back as it is. */
export function replyError(error: Error, act: RedisAct): Error {
  if (error instanceof UmbelError) return error
  // It holds the command with all its arguments, which may be secrets and are never small.
  delete (error as { command?: unknown }).command
  const options = { cause: error }
  const could = `Could not ${act.what} on ${act.server}`
  const said = error.message
  switch (replyCode(error)) {
    case 'OOM':
      return new StoreFull(
        `${could}: the server is over its memory limit (maxmemory). Nothing was stored. Raise the limit, or let workers drain the queues.`,
        options,
      )
    case 'MISCONF':
      return new StoreFull(
        `${could}: the server refuses to write because its disk does not take what it saves (full?). Nothing was stored. Look at the server's log. It says: ${said}`,
        options,
      )
    case 'READONLY':
    case 'MASTERDOWN':
      return new BrokerUnavailable(
        `${could}: that server is a replica now and takes no writes. Nothing was changed. With Sentinel the new master is found by itself; without, name the master.`,
        options,
      )
    case 'LOADING':
      return new BrokerUnavailable(`${could}: the server is reading its data from disk. Nothing was changed.`, options)
    case 'BUSY':
      return new BrokerUnavailable(
        `${could}: the server is busy with another script. Nothing was changed. If it goes on, end that script with SCRIPT KILL.`,
        options,
      )
    case 'NOREPLICAS':
      return new BrokerUnavailable(
        `${could}: fewer replicas follow than min-replicas-to-write asks for. Nothing was stored. Look at the replicas.`,
        options,
      )
    case 'CLUSTERDOWN':
    case 'TRYAGAIN':
      return new BrokerUnavailable(`${could}: the cluster can't serve now (${said}). Nothing was changed.`, options)
    case 'MOVED':
    case 'ASK':
      return new StoreUnusable(`${could}: the server is part of a Redis Cluster, which is not supported.`, options)
    case 'NOAUTH':
    case 'WRONGPASS':
      return new StoreUnusable(
        `${could}: the server refuses the login (${said}). Check user and password in the URL.`,
        options,
      )
    case 'NOPERM':
      return new StoreUnusable(
        `${could}: this user may not do that (${said}). Give it the permission with ACL SETUSER.`,
        options,
      )
    case 'WRONGTYPE':
      return new StoreUnusable(
        `${could}: a key holds something of another kind, written by another program or another version. Use a database of its own, or \`globalKeyprefix\`.`,
        options,
      )
    default:
      return plainError(error, could)
  }
}

/** Errors that begin with nothing but `ERR`. */
function plainError(error: Error, could: string): Error {
  const options = { cause: error }
  const said = error.message
  if (/max number of clients/.test(said))
    return new BrokerUnavailable(
      `${could}: the server has no free connection (maxclients). Nothing was changed.`,
      options,
    )
  if (/without any password configured|no password is set/.test(said))
    return new StoreUnusable(
      `${could}: the URL has a password and the server has none. Leave it out of the URL.`,
      options,
    )
  if (/DB index is out of range|invalid DB index/.test(said))
    return new StoreUnusable(`${could}: the server has no database of that number. Check the end of the URL.`, options)
  if (/string exceeds maximum allowed size|invalid bulk length|exceeds.*proto-max-bulk-len/i.test(said))
    return new MessageTooLarge(`${could}: over the server's limit for one value (proto-max-bulk-len).`, options)
  return error
}

/**
 * Why a connection, or a try to make one, ended: the driver's own error put into words.
 * @param isNew nothing was ever understood of what the other side says, so that it may be no Redis at all
 */
export function connectionError(cause: unknown, server: string, isNew = false): UmbelError {
  if (cause instanceof UmbelError) return cause
  const could = `Cannot reach ${server}`
  const options = { cause }
  const { code = '', message = String(cause) } = cause as NodeJS.ErrnoException
  if (certificateCodes.test(code))
    return new StoreUnusable(
      `${could}: its certificate is not accepted (${message}). Name the authority's file with ssl_ca_certs, or the host that the certificate names.`,
      options,
    )
  if (code === 'ECONNREFUSED' || code === 'ENOENT')
    return new BrokerUnavailable(`${could}: nothing listens there. Is Redis running?`, options)
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return new BrokerUnavailable(`${could}: its host name is not known (${message}).`, options)
  if (code === 'EACCES') return new StoreUnusable(`${could}: no permission to use its socket.`, options)
  if (isNew && /Unknown RESP type|wrong version number|SSL routines/i.test(message))
    return new StoreUnusable(
      `${could}: it does not answer as a Redis does (${message}). Check the port, and redis: or rediss: for TLS.`,
      options,
    )
  return new BrokerUnavailable(`${could}: ${message}`, options)
}

const certificateCodes = /^(ERR_TLS_CERT|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|ERR_OSSL_X509)/

/** A call that was not sent: there is no connection, and this is why. */
export function notDone({ what, server }: RedisAct, cause: Error | undefined): UmbelError {
  // A refused login and its like stay what they are: waiting does not mend them.
  if (cause instanceof StoreUnusable) return cause
  const why = cause === undefined ? '' : ` ${cause.message}`
  return new BrokerUnavailable(`Could not ${what} on ${server}: there is no connection. Nothing was changed.${why}`, {
    cause,
  })
}

/** A call that was sent and whose connection ended before the reply. */
export function outcomeUnknown({ what, server }: RedisAct, cause: unknown): OutcomeUnknown {
  const why = cause instanceof Error ? ` ${cause.message}` : ''
  return new OutcomeUnknown(
    `Could not learn whether ${server} did what it was asked (${what}): the connection ended before the reply, so it may or may not have been done.${why}`,
    { cause },
  )
}
