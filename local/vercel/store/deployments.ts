import type { Database } from "./database.ts";
import { letters } from "./ids.ts";

export type State = "QUEUED" | "BUILDING" | "READY" | "ERROR" | "CANCELED";

export interface DeploymentRow {
  readonly seq: number;
  readonly id: string;
  readonly project_id: string;
  readonly state: State;
  readonly target: "production" | null;
  readonly org: string;
  readonly repo: string;
  readonly ref: string;
  readonly sha: string;
  readonly meta: Readonly<Record<string, string>>;
  readonly auto_assign: number;
  /** Whether production serves it, or has. */
  readonly promoted: number;
  readonly port: number;
  readonly error_code: string | null;
  readonly error_message: string | null;
  readonly created_at: number;
  readonly building_at: number | null;
  readonly ready_at: number | null;
  readonly seen_from: number;
}
type Row = Omit<DeploymentRow, "meta"> & { meta: string };

export interface BuildEvent {
  readonly id: number;
  readonly deployment_id: string;
  readonly created: number;
  readonly type: "stdout" | "command" | "deployment-state";
  readonly text: string;
}

/** Lines of one build that are kept: what a build prints beyond them is dropped. */
const MAX_EVENTS = 5000;
const MAX_LINE = 2000;

export class Deployments {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  create(
    made: Pick<
      DeploymentRow,
      "project_id" | "target" | "org" | "repo" | "ref" | "sha" | "meta" | "port" | "seen_from"
    > & { auto_assign: boolean },
  ): DeploymentRow {
    const id = `dpl_${letters(28)}`;
    this.#db.run(
      `INSERT INTO deployments (id, project_id, state, target, org, repo, ref, sha, meta, auto_assign, port, created_at, seen_from)
       VALUES (?, ?, 'QUEUED', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ...[id, made.project_id, made.target, made.org, made.repo, made.ref, made.sha],
      ...[JSON.stringify(made.meta), Number(made.auto_assign), made.port],
      ...[Date.now(), made.seen_from],
    );
    const row = this.find(id);
    if (!row) throw new Error("a deployment that was made is not there");
    return row;
  }

  find(id: string): DeploymentRow | undefined {
    const row = this.#db.one<Row>("SELECT * FROM deployments WHERE id = ?", id);
    return row && deployment(row);
  }

  /** Newest first. */
  all(projectId: string | null): DeploymentRow[] {
    const select =
      "SELECT * FROM deployments WHERE (?1 IS NULL OR project_id = ?1) ORDER BY seq DESC";
    return this.#db.all<Row>(select, projectId).map(deployment);
  }

  /** The oldest ones that wait to be built. */
  queued(limit: number): DeploymentRow[] {
    const select = "SELECT * FROM deployments WHERE state = 'QUEUED' ORDER BY seq LIMIT ?";
    return this.#db.all<Row>(select, limit).map(deployment);
  }

  /** Moves it on, when it is in one of these states; false when it is in another. */
  move(
    id: string,
    from: readonly State[],
    to: State,
    why: { code: string; message: string } | null = null,
  ): boolean {
    const now = Date.now();
    const { changes } = this.#db.run(
      `UPDATE deployments SET state = ?1, error_code = ?2, error_message = ?3,
         building_at = CASE WHEN ?1 = 'BUILDING' THEN ?4 WHEN ?1 = 'QUEUED' THEN NULL ELSE building_at END,
         ready_at = CASE WHEN ?1 IN ('READY', 'ERROR', 'CANCELED') THEN ?4 ELSE ready_at END
       WHERE id = ?5 AND state IN (SELECT value FROM json_each(?6))`,
      ...[to, why?.code ?? null, why?.message ?? null, now, id, JSON.stringify(from)],
    );
    return changes === 1;
  }

  /** What was being built when the process died waits again. */
  buildAgain(): void {
    for (const { id } of this.#db.all<{ id: string }>(
      "SELECT id FROM deployments WHERE state = 'BUILDING'",
    )) {
      this.move(id, ["BUILDING"], "QUEUED");
      this.say(id, "deployment-state", "The build was interrupted and begins again.");
    }
  }

  setPort(id: string, port: number): void {
    this.#db.run("UPDATE deployments SET port = ? WHERE id = ?", port, id);
  }

  setPromoted(id: string): void {
    this.#db.run("UPDATE deployments SET promoted = 1 WHERE id = ?", id);
  }

  remove(id: string): void {
    this.#db.run("DELETE FROM events WHERE deployment_id = ?", id);
    this.#db.run("DELETE FROM deployments WHERE id = ?", id);
  }

  say(id: string, type: BuildEvent["type"], text: string): void {
    this.#db.run(
      `INSERT INTO events (deployment_id, created, type, text)
       SELECT ?1, ?2, ?3, ?4 WHERE (SELECT count(*) FROM events WHERE deployment_id = ?1) < ${MAX_EVENTS}`,
      ...[id, Date.now(), type, text.slice(0, MAX_LINE)],
    );
  }

  events(id: string): BuildEvent[] {
    return this.#db.all("SELECT * FROM events WHERE deployment_id = ? ORDER BY id", id);
  }
}

function deployment(row: Row): DeploymentRow {
  return { ...row, meta: JSON.parse(row.meta) };
}
