import { type Database, timestamp } from "./database.ts";

export interface StatusRow {
  readonly id: number;
  readonly repo_id: number;
  readonly sha: string;
  readonly state: "error" | "failure" | "pending" | "success";
  readonly context: string;
  readonly description: string | null;
  readonly target_url: string | null;
  readonly login: string;
  readonly created_at: string;
}

export interface CheckRunRow {
  readonly id: number;
  readonly repo_id: number;
  readonly head_sha: string;
  readonly name: string;
  readonly status: "queued" | "in_progress" | "completed";
  readonly conclusion: Conclusion | null;
  readonly started_at: string | null;
  readonly completed_at: string | null;
  readonly external_id: string | null;
  readonly details_url: string | null;
  /** JSON: title, summary, text. */
  readonly output: string;
}

export const CONCLUSIONS = [
  "success",
  "failure",
  "neutral",
  "cancelled",
  "skipped",
  "timed_out",
  "action_required",
] as const;
export type Conclusion = (typeof CONCLUSIONS)[number];

/** What a branch's protection demands before a merge. */
export interface Protection {
  readonly strict: boolean;
  readonly contexts: readonly string[];
  readonly enforceAdmins: boolean;
}

/** Statuses and check runs of commits, and which of them branches demand. */
export class Checks {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  addStatus(status: Omit<StatusRow, "id" | "created_at">): StatusRow {
    const created_at = timestamp();
    const { repo_id, sha, state, context, description, target_url, login } = status;
    const { id } = this.#db.run(
      `INSERT INTO statuses (repo_id, sha, state, context, description, target_url, login, created_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      ...[repo_id, sha, state, context, description, target_url, login, created_at],
    );
    return { ...status, id, created_at };
  }

  /** Newest first. */
  statuses(repoId: number, sha: string): StatusRow[] {
    return this.#db.all<StatusRow>(
      "SELECT * FROM statuses WHERE repo_id = ? AND sha = ? ORDER BY id DESC",
      ...[repoId, sha],
    );
  }

  /** The newest of each context, oldest context first. */
  latestStatuses(repoId: number, sha: string): StatusRow[] {
    return this.#db.all<StatusRow>(
      `SELECT * FROM statuses WHERE id IN (SELECT max(id) FROM statuses WHERE repo_id = ? AND sha = ? GROUP BY context)
       ORDER BY id`,
      ...[repoId, sha],
    );
  }

  addCheckRun(run: Omit<CheckRunRow, "id">): CheckRunRow {
    const { id } = this.#db.run(
      `INSERT INTO check_runs (repo_id, head_sha, name, status, conclusion, started_at, completed_at, external_id,
                               details_url, output) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ...[run.repo_id, run.head_sha, run.name, run.status, run.conclusion, run.started_at],
      ...[run.completed_at, run.external_id, run.details_url, run.output],
    );
    return { ...run, id };
  }

  saveCheckRun(run: CheckRunRow): void {
    this.#db.run(
      `UPDATE check_runs SET name = ?, status = ?, conclusion = ?, started_at = ?, completed_at = ?, external_id = ?,
                             details_url = ?, output = ? WHERE id = ?`,
      ...[run.name, run.status, run.conclusion, run.started_at, run.completed_at],
      ...[run.external_id, run.details_url, run.output, run.id],
    );
  }

  checkRun(repoId: number, id: number): CheckRunRow | undefined {
    const select = "SELECT * FROM check_runs WHERE repo_id = ? AND id = ?";
    return this.#db.one<CheckRunRow>(select, repoId, id);
  }

  /** Newest first. */
  checkRuns(repoId: number, sha: string): CheckRunRow[] {
    return this.#db.all<CheckRunRow>(
      "SELECT * FROM check_runs WHERE repo_id = ? AND head_sha = ? ORDER BY id DESC",
      ...[repoId, sha],
    );
  }

  protect(repoId: number, branch: string, protection: Protection): void {
    this.#db.run(
      `INSERT INTO protections VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET strict = excluded.strict, contexts = excluded.contexts,
                                 enforce_admins = excluded.enforce_admins`,
      ...[repoId, branch, Number(protection.strict), JSON.stringify(protection.contexts)],
      Number(protection.enforceAdmins),
    );
  }

  protection(repoId: number, branch: string): Protection | undefined {
    interface Row {
      strict: number;
      contexts: string;
      enforce_admins: number;
    }
    const row = this.#db.one<Row>(
      "SELECT strict, contexts, enforce_admins FROM protections WHERE repo_id = ? AND branch = ?",
      ...[repoId, branch],
    );
    if (!row) return undefined;
    const enforceAdmins = row.enforce_admins === 1;
    return { strict: row.strict === 1, contexts: JSON.parse(row.contexts), enforceAdmins };
  }

  /** Demanded names that have not succeeded at this commit. */
  missing({ contexts }: Protection, repoId: number, sha: string): string[] {
    const good = new Set<string>();
    const bad = new Set<string>();
    for (const { context, state } of this.latestStatuses(repoId, sha)) {
      (state === "success" ? good : bad).add(context);
    }
    const seen = new Set<string>();
    for (const { name, conclusion } of this.checkRuns(repoId, sha)) {
      if (seen.has(name)) continue;
      seen.add(name);
      const passed = conclusion && ["success", "neutral", "skipped"].includes(conclusion);
      (passed ? good : bad).add(name);
    }
    return contexts.filter((name) => bad.has(name) || !good.has(name));
  }
}
