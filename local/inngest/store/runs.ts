import type { Slot } from "../scheduler.ts";
import type { Database } from "./database.ts";

export type RunStatus = "Running" | "Completed" | "Failed" | "Cancelled";

export interface Run {
  readonly id: string;
  readonly functionId: string;
  /** Our id of the event that triggered it. */
  readonly eventId: string;
  /** Our ids of all its events: more than one for a batch. */
  readonly eventIds: readonly string[];
  readonly status: RunStatus;
  /** The invoke steps that wait for this run: the ids of their pauses. */
  readonly correlationIds: readonly string[];
  readonly slots: readonly Slot[];
  /** Seconds by which it goes before other runs that wait for the same room. */
  readonly priority: number;
  /** Execution version that the SDK chose; -1 before its first answer. */
  readonly version: number;
  /** Bytes of all step results. */
  readonly stateBytes: number;
  /** Steps that have a result. */
  readonly stepCount: number;
  /** JSON of the result or of the error. */
  readonly output: string | null;
  readonly createdAt: number;
  /** When its first call was made; only kept where a time limit asks for it. */
  readonly startedAt: number | null;
  readonly endedAt: number | null;
}

interface RunRow {
  readonly id: string;
  readonly function_id: string;
  readonly event_id: string;
  readonly events: string;
  readonly status: RunStatus;
  readonly correlation_id: string | null;
  readonly slots: string;
  readonly priority: number;
  readonly version: number;
  readonly state_bytes: number;
  readonly step_count: number;
  readonly output: string | null;
  readonly created_at: number;
  readonly started_at: number | null;
  readonly ended_at: number | null;
}

export interface StepRow {
  readonly step_id: string;
  readonly op: string;
  readonly name: string;
  /** JSON of what stands in `steps[id]`. */
  readonly result: string;
  readonly attempts: number;
  readonly created_at: number;
}

type NewRun = Pick<
  Run,
  "id" | "functionId" | "eventId" | "eventIds" | "correlationIds" | "slots" | "priority"
> & { readonly singleton: string | null };

/** Runs that are kept in memory: more than can be called at the same time. */
const CACHED_RUNS = 500;

/** Runs and the results of their steps. Those that are worked on are read from the database once. */
export class Runs {
  readonly #db: Database;
  readonly #cache = new Map<string, Run>();

  constructor(db: Database) {
    this.#db = db;
    db.onRollback(() => this.#cache.clear());
  }

  add(run: NewRun): void {
    this.#db.run(
      `INSERT INTO runs (id, function_id, event_id, events, status, correlation_id, slots, priority, singleton,
         created_at) VALUES (?, ?, ?, ?, 'Running', ?, ?, ?, ?, ?)`,
      run.id,
      run.functionId,
      run.eventId,
      JSON.stringify(run.eventIds),
      run.correlationIds.join(" ") || null,
      JSON.stringify(run.slots),
      run.priority,
      run.singleton,
      Date.now(),
    );
    for (const eventId of run.eventIds.slice(1)) {
      this.#db.run(
        "INSERT OR IGNORE INTO batched_events (event_id, run_id) VALUES (?, ?)",
        eventId,
        run.id,
      );
    }
  }

  get(id: string): Run | undefined {
    const known = this.#cache.get(id);
    if (known) return known;
    const row = this.#db.one<RunRow>("SELECT * FROM runs WHERE id = ?", id);
    const run = row && toRun(row);
    if (run?.status === "Running") {
      if (this.#cache.size >= CACHED_RUNS)
        this.#cache.delete(this.#cache.keys().next().value ?? "");
      this.#cache.set(id, run);
    }
    return run;
  }

  ofEvent(eventId: string): Run[] {
    return this.#db
      .all<RunRow>(
        `SELECT * FROM runs WHERE event_id = ?1
           OR id IN (SELECT run_id FROM batched_events WHERE event_id = ?1) ORDER BY id`,
        eventId,
      )
      .map(toRun);
  }

  /** The run that is under way under this singleton key. */
  ofSingleton(key: string): Run | undefined {
    const row = this.#db.one<RunRow>(
      "SELECT * FROM runs WHERE singleton = ? AND status = 'Running'",
      key,
    );
    return row && toRun(row);
  }

  /** The runs of a function that are under way and began in a period, in milliseconds since the epoch. */
  running(functionId: string, after: number, before: number): Run[] {
    return this.#db
      .all<RunRow>(
        `SELECT * FROM runs WHERE function_id = ? AND status = 'Running'
           AND created_at >= ? AND created_at <= ? ORDER BY id`,
        functionId,
        after,
        before,
      )
      .map(toRun);
  }

  /** The newest runs, newest first; of one function, or older than one of them. */
  latest(
    count: number,
    { before, functionId }: { before?: string; functionId?: string } = {},
  ): Run[] {
    return this.#db
      .all<RunRow>(
        `SELECT * FROM runs WHERE (?1 IS NULL OR id < ?1) AND (?2 IS NULL OR function_id = ?2)
           ORDER BY id DESC LIMIT ?3`,
        before ?? null,
        functionId ?? null,
        count,
      )
      .map(toRun);
  }

  setVersion(id: string, version: number): void {
    this.#db.run("UPDATE runs SET version = ? WHERE id = ?", version, id);
    this.#note(id, { version });
  }

  setStarted(id: string, at: number): void {
    this.#db.run("UPDATE runs SET started_at = ? WHERE id = ?", at, id);
    this.#note(id, { startedAt: at });
  }

  /** Ends a run that is still running; false when it ended before. */
  end(id: string, status: RunStatus, output: string | null): boolean {
    this.#cache.delete(id);
    return (
      this.#db.run(
        "UPDATE runs SET status = ?, output = ?, ended_at = ? WHERE id = ? AND status = 'Running'",
        status,
        output,
        Date.now(),
        id,
      ) > 0
    );
  }

  /** Records a step; false when it has a result already, which then stays. */
  addStep(
    runId: string,
    step: { id: string; op: string; name: string; result: string; attempts: number },
  ): boolean {
    const added = this.#db.run(
      `INSERT OR IGNORE INTO steps (run_id, step_id, op, name, result, attempts, created_at)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
      runId,
      step.id,
      step.op,
      step.name,
      step.result,
      step.attempts,
      Date.now(),
    );
    if (added === 0) return false;
    const bytes = Buffer.byteLength(step.result);
    this.#db.run(
      "UPDATE runs SET state_bytes = state_bytes + ?, step_count = step_count + 1 WHERE id = ?",
      bytes,
      runId,
    );
    const run = this.#cache.get(runId);
    if (run) {
      this.#note(runId, { stateBytes: run.stateBytes + bytes, stepCount: run.stepCount + 1 });
    }
    return true;
  }

  #note(id: string, change: Partial<Run>): void {
    const run = this.#cache.get(id);
    if (run) this.#cache.set(id, { ...run, ...change });
  }

  /** In the order in which they were recorded. */
  steps(runId: string): StepRow[] {
    return this.#db.all<StepRow>(
      "SELECT step_id, op, name, result, attempts, created_at FROM steps WHERE run_id = ? ORDER BY rowid",
      runId,
    );
  }

  hasStep(runId: string, stepId: string): boolean {
    return (
      this.#db.one("SELECT 1 FROM steps WHERE run_id = ? AND step_id = ?", runId, stepId) !==
      undefined
    );
  }

  /** Whether a step of the run is queued, sleeping or waiting. */
  hasPending(runId: string): boolean {
    return this.#pending(runId, 1);
  }

  /** Whether a pending step has to end before the run goes on: all but those of race mode. */
  mustWait(runId: string): boolean {
    return this.#pending(runId, 0);
  }

  #pending(runId: string, maxRace: 0 | 1): boolean {
    return (
      this.#db.one(
        `SELECT 1 FROM queue WHERE run_id = ?1 AND step_id <> 'step' AND race <= ?2
         UNION ALL SELECT 1 FROM pauses WHERE run_id = ?1 AND kind <> 'cancel' AND race <= ?2 LIMIT 1`,
        runId,
        maxRace,
      ) !== undefined
    );
  }

  /** Whether an idempotency key is taken now. */
  hasKey(key: string): boolean {
    return (
      this.#db.one(
        "SELECT 1 FROM idempotency WHERE key = ? AND expires_at > ?",
        key,
        Date.now(),
      ) !== undefined
    );
  }

  /** Takes an idempotency key until `expiresAt`, in milliseconds since the epoch. */
  takeKey(key: string, eventId: string, expiresAt: number): void {
    this.#db.run(
      "INSERT OR REPLACE INTO idempotency (key, run_id, expires_at) VALUES (?, ?, ?)",
      key,
      eventId,
      expiresAt,
    );
  }
}

function toRun(row: RunRow): Run {
  return {
    id: row.id,
    functionId: row.function_id,
    eventId: row.event_id,
    eventIds: JSON.parse(row.events) as string[],
    status: row.status,
    correlationIds: row.correlation_id?.split(" ") ?? [],
    slots: JSON.parse(row.slots) as Slot[],
    priority: row.priority,
    version: row.version,
    stateBytes: row.state_bytes,
    stepCount: row.step_count,
    output: row.output,
    createdAt: row.created_at,
    startedAt: row.started_at,
    endedAt: row.ended_at,
  };
}
