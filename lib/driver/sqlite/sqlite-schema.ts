import type { SqliteDatabase, SqliteRow } from './sqlite-database.ts'

/** Marks the file as ours: "umbl" in ASCII. @see https://www.sqlite.org/pragma.html#pragma_application_id */
export const applicationId = 0x756d626c

/**
 * The steps from one version of the schema to the next; step i leads from version i to i + 1. A step that was released never changes.
 *
 * Where a message is: its envelope stands in `messages` from publish to the end, written once and removed once. Small rows that point
 * to it say how it stands: `ready` in the order of claiming, `parked` by due time, `claims` while somebody works on it. A claim moves
 * only small rows, so that it costs the same for any size of message.
 *
 * `position` orders messages of one queue and priority. It is taken from a rising sequence when a message becomes ready, and kept when
 * it is given back, which so returns to where it was: the front. `past` is null for a message that was never delivered, else the JSON
 * `[losses, returns, firstReturnedAt]`. Tokens rise with every claim in the whole store.
 */
const steps: readonly string[] = [
  `
  create table sequences (name text primary key, next integer not null) without rowid;
  insert into sequences values ('message', 1), ('result', 1), ('topology', 1);

  create table queues (
    id integer primary key,
    name text not null unique,
    paused integer not null default 0,
    definition text                  -- JSON of a declared Queue; null when only published to
  );
  create table messages (id integer primary key, envelope text not null);
  create table ready (
    queue integer not null, priority integer not null, position integer not null,
    message integer not null, past text,
    primary key (queue, priority, position)
  ) without rowid;
  create table parked (
    due integer not null, message integer not null,
    queue integer not null, priority integer not null,
    position integer,                -- kept by a message that was given back; null for the end of the queue
    past text,
    primary key (due, message)
  ) without rowid;
  create table claims (
    token integer primary key autoincrement,
    message integer not null, owner integer not null,
    queue integer not null, priority integer not null, position integer not null, past text
  );
  create table owners (
    id integer primary key autoincrement,
    name text not null,
    pid integer not null, started_at text not null, boot_id text not null, pid_namespace text not null,
    lease_ms integer not null,
    lease_until real not null        -- ms on the machine's monotonic clock
  );
  create table dead (
    id integer primary key autoincrement,
    queue integer not null, priority integer not null,
    reason text not null, detail text not null, dead_since integer not null,
    task_id text, task text,
    envelope not null
  );
  create index dead_by_queue on dead (queue);
  create table broadcasts (
    id integer primary key autoincrement, topic text not null, envelope text not null, sent_at integer not null
  );

  create table results (
    seq integer primary key,         -- rises with every change, so that watchers find what is new
    id text not null unique,
    state text not null, final integer not null,
    content_type text not null,
    expires_at integer,              -- ms since the epoch; null for ever
    forget_at integer,               -- set when the document is dropped: until then we still say that there was one
    document                         -- text or bytes, as it came
  );
  create index results_expiring on results (expires_at) where expires_at is not null;
  create index results_forgotten on results (forget_at) where forget_at is not null;

  create table state_values (key text primary key, value text not null, expires_at integer) without rowid;
  create index state_values_expiring on state_values (expires_at) where expires_at is not null;
  create table state_rates (key text primary key, full_at real not null) without rowid;
  create index state_rates_full on state_rates (full_at);
  create table state_places (
    key text not null, holder text not null, expires_at integer not null, primary key (key, holder)
  ) without rowid;
  create index state_places_expiring on state_places (expires_at);
  create table state_indexes (name text primary key, expires_at integer) without rowid;
  create index state_indexes_expiring on state_indexes (expires_at) where expires_at is not null;
  create table state_entries (
    name text not null, member text not null, score real not null, primary key (name, member)
  ) without rowid;
  create index state_entries_by_score on state_entries (name, score, member);
  `,
]

/** The version that this library writes. */
export const schemaVersion = steps.length

/** What a file says of itself; all zero when it is new. */
export interface FileMarks {
  readonly applicationId: number
  readonly version: number
  readonly tables: number
}

export function readMarks(database: SqliteDatabase): FileMarks {
  const one = (rows: readonly SqliteRow[]): number => Number(rows[0]?.[0] ?? 0)
  return {
    applicationId: one(database.statement('pragma application_id').all([])),
    version: one(database.statement('pragma user_version').all([])),
    tables: one(database.statement('select count(*) from sqlite_schema').all([])),
  }
}

/** Brings a new or older file of ours to this library's version, in one transaction. Safe when others do the same. */
export function migrate(database: SqliteDatabase): void {
  database.exec('begin immediate')
  try {
    // Read again under the lock: another process may have been faster.
    const { version } = readMarks(database)
    for (const step of steps.slice(version)) database.exec(step)
    if (version < schemaVersion)
      database.exec(`pragma application_id = ${applicationId}; pragma user_version = ${schemaVersion}`)
    database.exec('commit')
  } catch (error) {
    rollBack(database)
    throw error
  }
}

/** Ends a transaction that failed; after a full disk SQLite has ended it already. */
export function rollBack(database: SqliteDatabase): void {
  try {
    database.exec('rollback')
  } catch (error) {
    if (!(error instanceof Error && /no transaction is active/.test(error.message))) throw error
  }
}
