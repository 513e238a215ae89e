import type { Json } from "../expressions.ts";
import { compile, indexable, valueAt } from "../expressions.ts";
import type { Database } from "./database.ts";

/** Something that an event, or the end of an invoked run, can wake. */
export interface Pause {
  readonly id: string;
  readonly kind: "wait" | "signal" | "invoke" | "cancel";
  readonly run_id: string;
  readonly step_id: string | null;
  readonly event: string | null;
  /** The signal that wakes it; no two pauses have the same. */
  readonly signal: string | null;
  readonly expression: string | null;
  /** JSON of the values that the expression reads from the run's own event. */
  readonly vars: string | null;
  /** Milliseconds since the epoch; an event after that wakes nothing. */
  readonly expires_at: number | null;
  readonly race: number;
  readonly name: string;
  readonly created_at: number;
}

type NewPause = Pick<Pause, "id" | "kind" | "run_id"> &
  Partial<
    Pick<Pause, "step_id" | "event" | "signal" | "expression" | "expires_at" | "race" | "name">
  >;

/** What waits for events. */
export class Pauses {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /**
   * Registers a pause unless it is there already.
   * @param own the event that triggered the run: `event` in the expression.
   * @throws InvalidInput when the expression does not compile.
   */
  add(pause: NewPause, own: Json): void {
    const expression = pause.expression ? compile(pause.expression) : undefined;
    const captured = expression?.capture(own) ?? [];
    const key = expression?.indexKey(captured);
    this.#db.run(
      `INSERT OR IGNORE INTO pauses (id, kind, run_id, step_id, event, expression, vars, match_path, match_value,
         expires_at, race, name, created_at, signal) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      pause.id,
      pause.kind,
      pause.run_id,
      pause.step_id ?? null,
      pause.event ?? null,
      pause.expression ?? null,
      JSON.stringify(captured),
      key?.path ?? null,
      key?.value ?? null,
      pause.expires_at ?? null,
      pause.race ?? 0,
      pause.name ?? "",
      Date.now(),
      pause.signal ?? null,
    );
  }

  get(id: string): Pause | undefined {
    return this.#db.one<Pause>("SELECT * FROM pauses WHERE id = ?", id);
  }

  ofSignal(signal: string): Pause | undefined {
    return this.#db.one<Pause>("SELECT * FROM pauses WHERE signal = ?", signal);
  }

  /** The pause no longer listens to its signal; it still times out. */
  dropSignal(id: string): void {
    this.#db.run("UPDATE pauses SET signal = NULL WHERE id = ?", id);
  }

  ofRun(runId: string): Pause[] {
    return this.#db.all<Pause>("SELECT * FROM pauses WHERE run_id = ? ORDER BY created_at", runId);
  }

  /** All that this event wakes. Equalities are looked up by index, so ten thousand waits cost little. */
  matching(event: Json & { readonly name: string }): Pause[] {
    const found = this.#db.all<Pause>(
      "SELECT * FROM pauses WHERE event = ? AND match_path IS NULL",
      event.name,
    );
    for (const path of this.#paths(event.name)) {
      const value = indexable(valueAt(event, JSON.parse(path) as string[]));
      if (value === undefined) continue;
      found.push(
        ...this.#db.all<Pause>(
          "SELECT * FROM pauses WHERE event = ? AND match_path = ? AND match_value = ?",
          event.name,
          path,
          value,
        ),
      );
    }
    const now = Date.now();
    return found.filter(
      (pause) =>
        (pause.expires_at === null || pause.expires_at > now) &&
        (pause.expression === null ||
          compile(pause.expression).matches(JSON.parse(pause.vars ?? "[]") as unknown[], event)),
    );
  }

  /** The places by which waits for this event are found, one index step each, however many waits there are. */
  *#paths(event: string): Generator<string> {
    let last = "";
    for (;;) {
      const next = this.#db.one<{ path: string | null }>(
        "SELECT min(match_path) AS path FROM pauses WHERE event = ? AND match_path > ?",
        event,
        last,
      )?.path;
      if (!next) return;
      yield next;
      last = next;
    }
  }

  remove(id: string): boolean {
    return this.#db.run("DELETE FROM pauses WHERE id = ?", id) > 0;
  }

  removeRun(runId: string): void {
    this.#db.run("DELETE FROM pauses WHERE run_id = ?", runId);
  }
}
