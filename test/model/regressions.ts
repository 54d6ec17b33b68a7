import type { Step } from './steps.ts'

/**
 * Sequences that once showed a bug; each is done to every store in every run. A sequence stands here whole, since a seed means another
 * one as soon as a generator changes; `seed` and `path` say where it came from.
 */
export interface Regression {
  readonly why: string
  /** The planted bug that it finds, by its file's name; that it still does is tested. */
  readonly planted?: string
  readonly seed: number
  readonly path: string
  readonly steps: readonly Step[]
}

export const regressions: readonly Regression[] = [
  {
    why: 'of the claims of a dead worker only the first three come back',
    planted: 'claims-die-with-owner',
    seed: 20261,
    path: '0:4:8:8:13:16:18:18:19:18:15:15:15:18:14:17:17:17:18:18:18:18:18:18:18:19:18:22:23:23:24:24',
    steps: [
      { do: 'publish', messages: [{ to: 'q0', priority: 0 }], process: 0 },
      { do: 'declare' },
      {
        do: 'settle',
        worker: 2,
        settlements: [
          { which: 0, how: 'done', counted: 'return', follow: [{ to: 'nowhere' }] },
          { which: 0, how: 'done', record: 'STARTED', follow: [] },
        ],
        refill: false,
      },
      { do: 'publish', messages: [{ to: 'q2' }, { to: 'topic', priority: 0 }], process: 0 },
      {
        do: 'publish-together',
        calls: [
          [{ to: 'q2' }, { to: 'q1', priority: 0 }],
          [{ to: 'q0', expiresIn: 100 }, { to: 'q2' }, { to: 'q1', dueIn: 37 }],
        ],
        process: 0,
      },
      { do: 'claim-together', count: 3 },
      { do: 'crash', process: 1 },
    ],
  },
  {
    why: 'a message that comes back from a dead worker has lost count of those before it',
    planted: 'count-reset-on-redelivery',
    seed: 20261,
    path: '0:2:1:2:5:6:3:3:3:3:4:4:4:4:4:7:3:6:7:7:7:7:8:9',
    steps: [
      { do: 'publish-together', calls: [[{ to: 'q0', priority: 0 }], [{ to: 'q0', dueIn: 1 }]], process: 0 },
      {
        do: 'settle',
        worker: 2,
        settlements: [
          { which: 0, how: 'give-back', counted: 'return', record: 'STARTED', follow: [] },
          { which: 0, how: 'done', follow: [] },
        ],
        refill: true,
      },
      { do: 'crash', process: 1 },
    ],
  },
  {
    why: 'what is set aside keeps its reason and loses its message',
    planted: 'dead-letter-without-bytes',
    seed: 20261,
    path: '0:2:1:1:1:2:2:1:2:2:2:1:1:1:4:3:3:3:3:3:1:1:1:2:2',
    steps: [
      { do: 'publish-together', calls: [[{ to: 'q0', priority: 0 }], [{ to: 'q0', dueIn: 1 }]], process: 0 },
      { do: 'settle', worker: 0, settlements: [{ which: 0, how: 'dead-letter', follow: [] }], refill: false },
    ],
  },
  {
    why: 'a message is delivered up to a second before its due time',
    planted: 'early-delivery',
    seed: 20261,
    path: '0:2:1:1:1:2:1:1:1:1:1:1:1:1:1:1:1:1:1',
    steps: [
      { do: 'publish-together', calls: [[{ to: 'q0', priority: 0 }], [{ to: 'q0', dueIn: 1 }]], process: 0 },
      { do: 'settle', worker: 0, settlements: [{ which: 0, how: 'done', follow: [] }], refill: false },
    ],
  },
  {
    why: 'what is given back goes to the end of its queue',
    planted: 'given-back-to-the-end',
    seed: 20261,
    path: '0:4:4:6:5:4:4:4:4:4:4:4:4:4:3:3:6:5:5:1:1:1:1:1:3:4:3:3:3:3:3:3:3:4:4:4:4:4:4:4',
    steps: [
      { do: 'publish-together', calls: [[{ to: 'q0', priority: 0 }], [{ to: 'q0', dueIn: 1 }]], process: 0 },
      {
        do: 'settle',
        worker: 0,
        settlements: [
          { which: 0, how: 'give-back', counted: 'return', dueIn: 2, record: 'STARTED', follow: [] },
          { which: 0, how: 'done', follow: [] },
        ],
        refill: false,
      },
    ],
  },
  {
    why: 'in memory, a claim that was taken back stays valid beside the new one',
    planted: 'lapsed-claim-stays',
    seed: 20261,
    path: '0:2:6:6:7:10:9:9:6:5:6:6:6:6:4:4:4',
    steps: [
      { do: 'publish', messages: [{ to: 'q0' }, { to: 'q0', dueIn: 1000 }], process: 0 },
      { do: 'claim', worker: 0, count: 1 },
      { do: 'lapse', worker: 0 },
    ],
  },
  {
    why: 'whether a lease has lapsed is judged by the wall clock, which operators set',
    planted: 'lease-by-wall-clock',
    seed: 20261,
    path: '0:2:2:3:3:5:4:5:3:3:3:3:3:3:3',
    steps: [
      { do: 'publish', messages: [{ to: 'q0', priority: 0 }], process: 0 },
      { do: 'claim-together', count: 1 },
      { do: 'advance', ms: 1000 },
    ],
  },
  {
    why: 'what a task sends at its end is forgotten when several tasks are settled in one act',
    planted: 'lost-follow-up',
    seed: 20261,
    path: '0:3:4:7:7:8:4:3:4:4:4:3:7:5:5:5:6:6:6:6:6:6:6',
    steps: [
      { do: 'declare' },
      { do: 'publish', messages: [{ to: 'fan', priority: 0 }], process: 0 },
      {
        do: 'settle',
        worker: 0,
        settlements: [
          { which: 21, how: 'done', dueIn: 1, record: 'STARTED', follow: [{ to: 'q0', priority: 0 }] },
          { which: 0, how: 'done', follow: [] },
        ],
        refill: false,
      },
    ],
  },
  {
    why: 'a message that kills its workers is tried once more than the setting says',
    planted: 'max-deliveries-off-by-one',
    seed: 20261,
    path: '0:6:14:8:3:8:13:11:7:13:12:14:12:11:12:12:12:12:12:12:12:12:12:12:12:12:12:12:14:14',
    steps: [
      { do: 'publish', messages: [{ to: 'q0' }, { to: 'q0', dueIn: 1000 }], process: 0 },
      { do: 'claim-together', count: 1 },
      { do: 'lapse', worker: 0 },
      {
        do: 'settle',
        worker: 0,
        settlements: [{ which: 0, how: 'done', counted: 'return', dueIn: 1000, follow: [] }],
        refill: false,
      },
      {
        do: 'settle',
        worker: 0,
        settlements: [{ which: 0, how: 'give-back', counted: 'loss', follow: [] }],
        refill: false,
      },
      { do: 'claim', worker: 0, count: 1 },
    ],
  },
  {
    why: 'all claims of one round are handed over with the same token',
    planted: 'one-token-for-all',
    seed: 20261,
    path: '0:2:1:1:1:2:1:1:1:1:1:1:1:1:3:3:3:3:3:3:3:3:3',
    steps: [
      { do: 'publish-together', calls: [[{ to: 'q0', priority: 0 }], [{ to: 'q0', dueIn: 1 }]], process: 0 },
      {
        do: 'settle',
        worker: 0,
        settlements: [
          { which: 0, how: 'give-back', counted: 'return', dueIn: 1, record: 'STARTED', follow: [] },
          { which: 0, how: 'done', follow: [] },
        ],
        refill: false,
      },
    ],
  },
  {
    why: 'a paused queue is claimed from',
    planted: 'pause-ignored',
    seed: 20261,
    path: '4:4:5:4:6:7:7:7:7:7:7:7:7:7:3:3:3:3',
    steps: [
      { do: 'publish', messages: [{ to: 'q0' }], process: 0 },
      { do: 'pause', queue: 0 },
      { do: 'claim-together', count: 1 },
    ],
  },
  {
    why: 'a worker claims without counting what it already holds',
    planted: 'prefetch-forgotten',
    seed: 20261,
    path: '0:3:4:7:6:6:6:7:7:7:7:7',
    steps: [
      { do: 'declare' },
      {
        do: 'publish',
        messages: [
          { to: 'fan', priority: 0, dueIn: 1000 },
          { to: 'q0', dueIn: 1 },
          { to: 'q0', dueIn: 1 },
        ],
        process: 0,
      },
      { do: 'lapse', worker: 0 },
      { do: 'claim-together', count: 1 },
    ],
  },
  {
    why: 'in memory, of messages published together those before a refused one stay',
    planted: 'published-in-part',
    seed: 20261,
    path: '1:1:0:0:2:1:2:2:2:2:2',
    steps: [
      {
        do: 'publish-together',
        calls: [
          [{ to: 'q0', priority: 0 }],
          [
            { to: 'q0', priority: 0 },
            { to: 'fan', priority: 0 },
            { to: 'q0', priority: 0, dueIn: 1 },
          ],
        ],
        process: 0,
      },
    ],
  },
  {
    why: 'a purge removes what workers are at',
    planted: 'purge-takes-claimed',
    seed: 20261,
    path: '2:8:8:3:4:4',
    steps: [
      { do: 'publish', messages: [{ to: 'q1' }], process: 0 },
      { do: 'claim-together', count: 1 },
      { do: 'purge', queue: 1 },
    ],
  },
  {
    why: 'a final record is overwritten by what is reported later',
    planted: 'record-overwritten',
    seed: 20261,
    path: '3:2:1:3:5:4:4:3:3:3:4:4:5:5:5:5:5:5:5:5:5:5',
    steps: [
      { do: 'publish', messages: [{ to: 'q0' }], process: 0 },
      {
        do: 'settle',
        worker: 0,
        settlements: [
          { which: 0, how: 'done', dueIn: 1, record: 'SUCCESS', follow: [] },
          { which: 0, how: 'done', counted: 'return', record: 'STARTED', follow: [] },
        ],
        refill: false,
      },
      { do: 'report', which: 0, state: 'STARTED' },
    ],
  },
  {
    why: 'a write that is refused keeps what it had already done',
    planted: 'refused-and-half-done',
    seed: 20261,
    path: '2:5:1:1:1:1:1:3:2:2:2:2',
    steps: [
      { do: 'publish', messages: [{ to: 'q0' }], process: 0 },
      {
        do: 'settle',
        worker: 0,
        settlements: [{ which: 0, how: 'done', follow: [{ to: 'fan', priority: 0, dueIn: 1 }] }],
        refill: false,
      },
    ],
  },
  {
    why: 'a worker that starts after a revoke runs the task',
    planted: 'revokes-not-remembered',
    seed: 20261,
    path: '10:2:2:8:7:8:8:8:8:8:8:8:8:8:8',
    steps: [
      { do: 'publish', messages: [{ to: 'q0', dueIn: 1 }], process: 0 },
      { do: 'revoke', which: 0, process: 0 },
      { do: 'crash', process: 0 },
      { do: 'advance', ms: 1000 },
      { do: 'claim-together', count: 1 },
    ],
  },
  {
    why: 'one claim settles twice in one batch',
    planted: 'settled-twice',
    seed: 20261,
    path: '0:3:3:3:1:1:1:1:2:2:2:2:2:2:2:2:2',
    steps: [
      { do: 'publish', messages: [{ to: 'q0', priority: 0 }], process: 0 },
      {
        do: 'settle',
        worker: 0,
        settlements: [
          { which: 0, how: 'done', counted: 'return', follow: [] },
          { which: 0, how: 'done', counted: 'return', record: 'STARTED', follow: [] },
        ],
        refill: false,
      },
    ],
  },
  {
    why: 'the look for dead owners takes the claims of everybody',
    planted: 'sweep-without-owner-check',
    seed: 20261,
    path: '0:2:1:1:1:3:3:3:3:3:3:3:3:4:4:4:4:5:6',
    steps: [
      { do: 'publish', messages: [{ to: 'q0', priority: 0 }], process: 0 },
      {
        do: 'settle',
        worker: 0,
        settlements: [{ which: 0, how: 'done', counted: 'return', dueIn: 1, follow: [{ to: 'q0' }] }],
        refill: true,
      },
      { do: 'crash', process: 1 },
    ],
  },
  {
    why: 'in memory, one timer waits for the next due time, however far away',
    planted: 'timer-overflow',
    seed: 20261,
    path: '9:2:1:0:0:0:1',
    steps: [{ do: 'publish', messages: [{ to: 'q0', priority: 0, dueIn: 3456000000 }], process: 0 }],
  },
  {
    why: 'a claim is written in one act and taken off its queue in a later one: two workers get one message',
    planted: 'two-step-claim',
    seed: 20261,
    path: '0:3:2:3:1:1:1',
    steps: [
      { do: 'publish', messages: [{ to: 'q0', priority: 0 }], process: 0 },
      { do: 'claim-together', count: 1 },
    ],
  },
  {
    why: 'a settlement goes by the message and not by the token: who lost a message settles it for who has it now',
    planted: 'unfenced-settle',
    seed: 20261,
    path: '3:13:25:11:19:17:17:11:14:14:14:14:2:7:8:9:9:9:9:9:9:9:9:9',
    steps: [
      { do: 'publish', messages: [{ to: 'q0' }], process: 0 },
      { do: 'settle', worker: 0, settlements: [{ which: 0, how: 'give-back', dueIn: 1, follow: [] }], refill: false },
      { do: 'advance', ms: 1000 },
      { do: 'claim-together', count: 1 },
      { do: 'settle-stale', which: 0, settlement: { which: 0, how: 'done', follow: [] }, process: 0 },
    ],
  },
  {
    why: 'of writes gathered into one transaction, one that is refused takes the others with it',
    planted: 'one-refused-all-refused',
    seed: 20261,
    path: '0:1:1:1:1:1:1:1:1:1:1:1',
    steps: [{ do: 'publish-together', calls: [[{ to: 'q0' }], [{ to: 'nowhere' }]], process: 0 }],
  },
]
