import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** Which way bytes go: `up` from the client to the server, `down` back. */
export type Direction = 'up' | 'down'

/** What is done to the bytes of one direction, or of both; everything left out is left alone. */
export interface Toxics {
  /** Every chunk arrives so much later, ms. */
  readonly latencyMs?: number
  /** Up to so much more or less, ms. */
  readonly jitterMs?: number
  /** Bytes a second. */
  readonly bandwidth?: number
  /** Swallows everything and keeps the connection open. In one direction alone, the connection is half-open. */
  readonly blackhole?: boolean
  /** Resets the connection (RST) after so many more bytes, in the middle of a chunk. */
  readonly cutAfter?: number
  /** Sends so many bytes at a time, each in a packet of its own. */
  readonly sliceBytes?: number
  /** Turns one bit of the so manieth byte from now on, counted from 0. */
  readonly flipByte?: number
}

/** Bytes and connections that went through. */
export interface ProxyCounts {
  readonly connections: number
  readonly open: number
  /** Bytes that came in from that side; what was swallowed counts. */
  readonly up: number
  readonly down: number
  /** Bytes that were passed on. */
  readonly passedUp: number
  readonly passedDown: number
}

export interface ProxyOptions {
  /** Where to pass bytes on to. */
  readonly to: { readonly port: number; readonly host?: string }
  /** For jitter: from 0 up to, not including, 1. @default Math.random */
  readonly random?: () => number
}

interface Pair {
  readonly client: Socket
  readonly server: Socket
  readonly flows: Readonly<Record<Direction, Flow>>
}

/** A TCP proxy on loopback that treats what passes as a bad network would. Changes count at once, for open connections too. */
export class TcpProxy {
  readonly #options: ProxyOptions
  readonly #server: Server
  readonly #pairs = new Set<Pair>()
  #toxics: Readonly<Record<Direction, Toxics>> = { up: {}, down: {} }
  #isRefusing = false
  #connections = 0
  readonly #bytes = { up: 0, down: 0, passedUp: 0, passedDown: 0 }

  constructor(options: ProxyOptions) {
    this.#options = options
    // Half-open is for the proxy's users to decide: the end of one side is passed on, not answered.
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#accept(client))
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(0, '127.0.0.1', resolve)
    })
  }

  /** Where clients connect to. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get counts(): ProxyCounts {
    return { connections: this.#connections, open: this.#pairs.size, ...this.#bytes }
  }

  /** From now on, for the bytes of that direction or of both; replaces what was set before. */
  set(toxics: Toxics, direction: Direction | 'both' = 'both'): void {
    this.#toxics = direction === 'both' ? { up: toxics, down: toxics } : { ...this.#toxics, [direction]: toxics }
    for (const { flows } of this.#pairs) {
      flows.up.set(this.#toxics.up)
      flows.down.set(this.#toxics.down)
    }
  }

  /** Everything passes again, and new connections are taken. What was swallowed stays lost. */
  restore(): void {
    this.#isRefusing = false
    this.set({})
  }

  /** Resets every open connection: both sides see ECONNRESET. */
  reset(): void {
    for (const pair of [...this.#pairs]) this.#cut(pair)
  }

  /** As a server that is down: open connections are reset and new ones refused until {@link restore}. */
  down(): void {
    this.#isRefusing = true
    this.reset()
  }

  async close(): Promise<void> {
    this.reset()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  #accept(client: Socket): void {
    if (this.#isRefusing) {
      client.on('error', () => {})
      resetNow(client)
      return
    }
    this.#connections++
    const { port, host = '127.0.0.1' } = this.#options.to
    const server = connect({ port, host, allowHalfOpen: true })
    for (const socket of [client, server]) socket.setNoDelay(true)
    const flow = (from: Socket, to: Socket, direction: Direction): Flow =>
      new Flow({
        from,
        to,
        toxics: this.#toxics[direction],
        random: this.#options.random ?? Math.random,
        onCut: () => this.#cut(pair),
        onCame: (count) => {
          this.#bytes[direction] += count
        },
        onPassed: (count) => {
          this.#bytes[direction === 'up' ? 'passedUp' : 'passedDown'] += count
        },
      })
    const pair: Pair = {
      client,
      server,
      flows: { up: flow(client, server, 'up'), down: flow(server, client, 'down') },
    }
    this.#pairs.add(pair)
    for (const socket of [client, server]) {
      socket.on('error', () => this.#cut(pair))
      socket.on('close', () => this.#closed(pair))
    }
  }

  #cut(pair: Pair): void {
    pair.flows.up.stop()
    pair.flows.down.stop()
    for (const socket of [pair.client, pair.server]) {
      resetNow(socket)
    }
    this.#pairs.delete(pair)
  }

  #closed(pair: Pair): void {
    if (pair.client.destroyed && pair.server.destroyed) this.#cut(pair)
  }
}

/** A peer that has bytes of ours yet to read may see an end instead of ECONNRESET: libuv reports what it finds first. */
function resetNow(socket: Socket): void {
  // A socket that is still connecting has nothing to reset.
  if (socket.connecting) {
    socket.destroy()
    return
  }
  socket.resetAndDestroy()
}

interface FlowParts {
  readonly from: Socket
  readonly to: Socket
  readonly toxics: Toxics
  readonly random: () => number
  readonly onCut: () => void
  readonly onCame: (count: number) => void
  readonly onPassed: (count: number) => void
}

/** The bytes of one direction of one connection, in order. */
class Flow {
  readonly #parts: FlowParts
  #toxics: Toxics = {}
  /** Bytes left until the cut, and until the byte to flip. */
  #untilCut = Number.POSITIVE_INFINITY
  #untilFlip = Number.POSITIVE_INFINITY
  /** One chunk after the other, or jitter would shuffle them. */
  #last: Promise<void> = Promise.resolve()
  #lastAt = 0
  #isStopped = false
  readonly #wakes = new Set<() => void>()

  constructor(parts: FlowParts) {
    this.#parts = parts
    this.set(parts.toxics)
    const { from, to } = parts
    from.on('data', (chunk: Buffer) => this.#take(chunk))
    from.on('end', () => this.#then(async () => void (this.#toxics.blackhole === true || to.end())))
  }

  set(toxics: Toxics): void {
    this.#toxics = toxics
    this.#untilCut = toxics.cutAfter ?? Number.POSITIVE_INFINITY
    this.#untilFlip = toxics.flipByte ?? Number.POSITIVE_INFINITY
  }

  stop(): void {
    this.#isStopped = true
    for (const wake of this.#wakes) wake()
  }

  #take(chunk: Buffer): void {
    this.#parts.onCame(chunk.length)
    if (this.#toxics.blackhole === true) return
    const { latencyMs = 0, jitterMs = 0, bandwidth } = this.#toxics
    const sent = this.#maimed(chunk)
    const isCut = this.#untilCut <= 0
    const delayMs = Math.max(0, latencyMs + (this.#parts.random() * 2 - 1) * jitterMs)
    const now = performance.now()
    // A narrow line is busy until it has sent what came before.
    this.#lastAt = Math.max(this.#lastAt, now) + (bandwidth === undefined ? 0 : (sent.length / bandwidth) * 1_000)
    const dueAt = this.#lastAt + delayMs
    if (dueAt - now > 1) this.#parts.from.pause()
    this.#then(async () => {
      await this.#until(dueAt)
      await this.#send(sent)
      if (isCut) this.#parts.onCut()
      else this.#parts.from.resume()
    })
  }

  /** What is left of a chunk: cut short, with a bit turned. */
  #maimed(chunk: Buffer): Buffer {
    let bytes = chunk
    if (this.#untilFlip < bytes.length) {
      bytes = Buffer.from(bytes)
      bytes[this.#untilFlip] = bytes[this.#untilFlip]! ^ 1
      this.#untilFlip = Number.POSITIVE_INFINITY
    } else this.#untilFlip -= bytes.length
    if (bytes.length >= this.#untilCut) bytes = bytes.subarray(0, this.#untilCut)
    this.#untilCut -= chunk.length
    return bytes
  }

  async #send(bytes: Buffer): Promise<void> {
    const { to, onPassed } = this.#parts
    const size = this.#toxics.sliceBytes ?? bytes.length
    for (let from = 0; from < bytes.length && !this.#isStopped; from += size) {
      const slice = bytes.subarray(from, from + size)
      // Written out before the next one, or the kernel would join them.
      await new Promise<void>((resolve) => {
        to.write(slice, () => resolve())
      })
      onPassed(slice.length)
      if (size < bytes.length) await new Promise((resolve) => setImmediate(resolve))
    }
  }

  #then(act: () => Promise<void>): void {
    this.#last = this.#last.then(() => (this.#isStopped ? undefined : act()))
  }

  async #until(dueAt: number): Promise<void> {
    const ms = dueAt - performance.now()
    if (ms <= 0 || this.#isStopped) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(done, ms)
      const wakes = this.#wakes
      wakes.add(done)
      function done(): void {
        clearTimeout(timer)
        wakes.delete(done)
        resolve()
      }
    })
  }
}

/** For one suite: call in the body of a `describe`; every proxy is closed after each test. */
export function useProxies(): (options: ProxyOptions) => Promise<TcpProxy> {
  const made: TcpProxy[] = []
  afterEach(async () => {
    for (const proxy of made.splice(0)) await proxy.close()
  })
  return async (options) => {
    const proxy = new TcpProxy(options)
    await proxy.listen()
    made.push(proxy)
    return proxy
  }
}
