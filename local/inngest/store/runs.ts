import type { Database } from "./database.ts";
import { type NewRun, type Run, type RunRow, type RunStatus, type StepRow, toRun } from "./run.ts";

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
}
