import type { Database } from "./database.ts";
import { letters } from "./ids.ts";

export interface ProjectRow {
  readonly id: string;
  readonly name: string;
  readonly org: string | null;
  readonly repo: string | null;
  readonly auto_assign: number;
  /** Where production is served. */
  readonly port: number;
  readonly production_id: string | null;
  /** JSON of an {@link AliasRequest}; null when there was none. */
  readonly alias_request: string | null;
  readonly created_at: number;
  readonly updated_at: number;
  /** Readers do not see it before this time. */
  readonly seen_from: number;
}

/** The last wish to serve another deployment in production, as Vercel shows it. */
export interface AliasRequest {
  readonly fromDeploymentId: string | null;
  readonly toDeploymentId: string;
  readonly jobStatus: "pending" | "succeeded";
  readonly requestedAt: number;
  readonly type: "promote" | "rollback";
}

export class Projects {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Undefined when the name is taken. */
  create(
    made: Pick<ProjectRow, "name" | "org" | "repo" | "port" | "seen_from">,
  ): ProjectRow | undefined {
    const id = `prj_${letters(28)}`;
    const now = Date.now();
    const { changes } = this.#db.run(
      `INSERT INTO projects (id, name, org, repo, auto_assign, port, created_at, updated_at, seen_from)
       VALUES (?, ?, ?, ?, 1, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
      ...[id, made.name, made.org, made.repo, made.port, now, now, made.seen_from],
    );
    return changes === 0 ? undefined : this.find(id);
  }

  find(idOrName: string): ProjectRow | undefined {
    return this.#db.one("SELECT * FROM projects WHERE id = ?1 OR name = ?1", idOrName);
  }

  /** Newest first. */
  all(): ProjectRow[] {
    return this.#db.all("SELECT * FROM projects ORDER BY created_at DESC, id DESC");
  }

  update(
    id: string,
    set: Partial<
      Pick<
        ProjectRow,
        "name" | "org" | "repo" | "auto_assign" | "port" | "production_id" | "alias_request"
      >
    >,
  ): void {
    const names = Object.keys(set);
    const assignments = [...names, "updated_at"].map((name) => `${name} = ?`).join(", ");
    this.#db.run(
      `UPDATE projects SET ${assignments} WHERE id = ?`,
      ...[...Object.values(set), Date.now(), id],
    );
  }

  remove(id: string): void {
    this.#db.transaction(() => {
      this.#db.run(
        "DELETE FROM events WHERE deployment_id IN (SELECT id FROM deployments WHERE project_id = ?)",
        id,
      );
      for (const table of ["variables", "deployments"]) {
        this.#db.run(`DELETE FROM ${table} WHERE project_id = ?`, id);
      }
      this.#db.run("DELETE FROM projects WHERE id = ?", id);
    });
  }
}
