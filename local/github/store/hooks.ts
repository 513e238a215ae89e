import { randomUUID } from "node:crypto";
import type { Database } from "./database.ts";
import { timestamp } from "./database.ts";

export interface HookRow {
  readonly id: number;
  readonly repo_id: number;
  readonly url: string;
  readonly secret: string | null;
  readonly events: readonly string[];
  readonly active: boolean;
  readonly created_at: string;
}

export interface Delivery {
  readonly id: number;
  readonly guid: string;
  readonly hook_id: number;
  readonly event: string;
  readonly body: string;
  readonly state: "pending" | "delivered" | "failed";
  readonly attempts: number;
  readonly status: number | null;
  readonly said: string | null;
}

/** The hook that is given to the server when it starts: it hears of every repository. */
export const SERVER_HOOK = 0;

/** How many ended deliveries are kept to be looked at, and how many may wait. */
const KEPT = 500;
const MAX_PENDING = 10_000;

type Row = Omit<HookRow, "events" | "active"> & { events: string; active: number };

/** Webhooks and what they are to be told. */
export class Hooks {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Undefined when the repository has a hook for that URL. */
  create(hook: Omit<HookRow, "id" | "created_at">): HookRow | undefined {
    const created_at = timestamp();
    const { changes, id } = this.#db.run(
      `INSERT INTO hooks (repo_id, url, secret, events, active, created_at) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT DO NOTHING`,
      ...[hook.repo_id, hook.url, hook.secret, JSON.stringify(hook.events), Number(hook.active)],
      created_at,
    );
    return changes === 0 ? undefined : { ...hook, id, created_at };
  }

  ofRepo(repoId: number): HookRow[] {
    const select = "SELECT * FROM hooks WHERE repo_id = ? ORDER BY id";
    return this.#db.all<Row>(select, repoId).map(hook);
  }

  get(id: number): HookRow | undefined {
    const row = this.#db.one<Row>("SELECT * FROM hooks WHERE id = ?", id);
    return row && hook(row);
  }

  enqueue(hookId: number, event: string, body: string): void {
    this.#db.run(
      `INSERT INTO deliveries (guid, hook_id, event, body, state)
       SELECT ?, ?, ?, ?, 'pending' WHERE (SELECT count(*) FROM deliveries WHERE state = 'pending') < ${MAX_PENDING}`,
      ...[randomUUID(), hookId, event, body],
    );
  }

  /** The hooks that have something to be told. */
  waiting(): number[] {
    const select = "SELECT DISTINCT hook_id FROM deliveries WHERE state = 'pending'";
    return this.#db.all<{ hook_id: number }>(select).map((row) => row.hook_id);
  }

  next(hookId: number): Delivery | undefined {
    return this.#db.one<Delivery>(
      "SELECT * FROM deliveries WHERE hook_id = ? AND state = 'pending' ORDER BY id LIMIT 1",
      hookId,
    );
  }

  tried(id: number, result: Pick<Delivery, "state" | "status" | "said">): void {
    this.#db.run(
      "UPDATE deliveries SET attempts = attempts + 1, state = ?, status = ?, said = ? WHERE id = ?",
      ...[result.state, result.status, result.said, id],
    );
    this.#db.run("DELETE FROM deliveries WHERE state <> 'pending' AND id <= ?", id - KEPT);
  }

  /** Newest first. */
  deliveries(): Delivery[] {
    return this.#db.all<Delivery>(`SELECT * FROM deliveries ORDER BY id DESC LIMIT ${KEPT}`);
  }
}

function hook(row: Row): HookRow {
  return { ...row, events: JSON.parse(row.events), active: row.active === 1 };
}
