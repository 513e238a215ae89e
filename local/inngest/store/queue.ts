import type { Database } from "./database.ts";

/** Something that becomes due. `id` is also its identity: the same work is never queued twice. */
export interface QueueItem {
  readonly id: string;
  readonly kind:
    | "call"
    | "gateway"
    | "sleep"
    | "timeout"
    | "start-timeout"
    | "finish-timeout"
    | "batch"
    | "debounce"
    | "cron";
  readonly run_id: string | null;
  /** Hashed step id; `step` for the call that looks for the next steps. */
  readonly step_id: string | null;
  readonly function_id: string | null;
  readonly payload: string | null;
  /** Milliseconds since the epoch. */
  readonly due_at: number;
  /** Attempts that failed before, as production counts them. */
  readonly attempt: number;
  /** Failures to reach the app since the last answer; they are no attempts. */
  readonly failures: number;
  /** The state changed while this call was under way: make it once more. */
  readonly again: number;
  readonly race: number;
  readonly name: string;
  readonly last_error: string | null;
}

/** The step id of the call that looks for the next steps. */
export const DISCOVERY = "step";

/** The payload of such a call that shall run none of them itself. */
export const PLAN_ONLY = "plan-only";

type NewItem = Pick<QueueItem, "id" | "kind" | "due_at"> & Partial<QueueItem>;

/** The persistent queue. Whoever runs it listens to what is added or moved. */
export class Queue {
  readonly #db: Database;
  #listener: (id: string, dueAt: number) => void = () => {};

  constructor(db: Database) {
    this.#db = db;
  }

  /** `listener` is called, after the commit, for each item that was added or got another due time. */
  listen(listener: (id: string, dueAt: number) => void): void {
    this.#listener = listener;
  }

  /** Adds an item unless it is queued already. */
  add(item: NewItem): void {
    const added = this.#db.run(
      `INSERT OR IGNORE INTO queue (id, kind, run_id, step_id, function_id, payload, due_at, race, name)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      item.id,
      item.kind,
      item.run_id ?? null,
      item.step_id ?? null,
      item.function_id ?? null,
      item.payload ?? null,
      item.due_at,
      item.race ?? 0,
      item.name ?? "",
    );
    if (added > 0) this.#notify(item.id, item.due_at);
  }

  /** Adds an item, or replaces the payload and the due time of the one that is queued. */
  put(item: NewItem): void {
    const replaced = this.#db.run(
      "UPDATE queue SET payload = ?, due_at = ? WHERE id = ?",
      item.payload ?? null,
      item.due_at,
      item.id,
    );
    if (replaced > 0) this.#notify(item.id, item.due_at);
    else this.add(item);
  }

  /** Looks for the next steps of a run; a look that is under way is repeated, because it saw an older state. */
  addDiscovery(
    runId: string,
    { dueAt = Date.now(), planOnly = false }: { dueAt?: number; planOnly?: boolean } = {},
  ): void {
    const id = `${runId}:${DISCOVERY}`;
    if (this.#db.run("UPDATE queue SET again = 1 WHERE id = ?", id) > 0) return;
    const payload = planOnly ? PLAN_ONLY : null;
    this.add({ id, kind: "call", run_id: runId, step_id: DISCOVERY, due_at: dueAt, payload });
  }

  /** A call is about to see the newest state. */
  clearAgain(id: string): void {
    this.#db.run("UPDATE queue SET again = 0 WHERE id = ?", id);
  }

  get(id: string): QueueItem | undefined {
    return this.#db.one<QueueItem>("SELECT * FROM queue WHERE id = ?", id);
  }

  ofRun(runId: string): QueueItem[] {
    return this.#db.all<QueueItem>("SELECT * FROM queue WHERE run_id = ? ORDER BY due_at", runId);
  }

  /** Done: removed, or due at once if it has to be made again. */
  complete(id: string): void {
    if (this.get(id)?.again) this.move(id, { due_at: Date.now(), attempt: 0, failures: 0 });
    else this.remove(id);
  }

  /** The same item later. */
  move(
    id: string,
    to: Pick<QueueItem, "due_at" | "attempt" | "failures"> & { last_error?: string },
  ): void {
    const moved = this.#db.run(
      "UPDATE queue SET due_at = ?, attempt = ?, failures = ?, last_error = ?, again = 0 WHERE id = ?",
      to.due_at,
      to.attempt,
      to.failures,
      to.last_error ?? null,
      id,
    );
    if (moved > 0) this.#notify(id, to.due_at);
  }

  remove(id: string): void {
    this.#db.run("DELETE FROM queue WHERE id = ?", id);
  }

  removeRun(runId: string): void {
    this.#db.run("DELETE FROM queue WHERE run_id = ?", runId);
  }

  /** Ids that became due after `after` and until `until`, earliest first. */
  due(after: number, until: number): string[] {
    return this.#db
      .all<{ id: string }>(
        "SELECT id FROM queue WHERE due_at > ? AND due_at <= ? ORDER BY due_at, rowid",
        after,
        until,
      )
      .map((row) => row.id);
  }

  /** When the first item after `after` is due, if there is one. */
  nextDue(after: number): number | undefined {
    return this.#db.one<{ due_at: number }>(
      "SELECT due_at FROM queue WHERE due_at > ? ORDER BY due_at LIMIT 1",
      after,
    )?.due_at;
  }

  #notify(id: string, dueAt: number): void {
    this.#db.afterCommit(() => this.#listener(id, dueAt));
  }
}
