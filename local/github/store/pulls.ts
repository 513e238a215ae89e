import { type Database, timestamp } from "./database.ts";

export interface PullRow {
  readonly id: number;
  readonly repo_id: number;
  readonly number: number;
  readonly login: string;
  readonly title: string;
  readonly body: string | null;
  readonly draft: number;
  readonly state: "open" | "closed";
  readonly head_ref: string;
  readonly head_sha: string;
  readonly base_ref: string;
  readonly base_sha: string;
  readonly created_at: string;
  readonly updated_at: string;
  readonly closed_at: string | null;
  readonly merged_at: string | null;
  readonly merged_by: string | null;
  /** The commit that merged it, once it is merged. */
  readonly merge_sha: string | null;
  /** Who began to merge it, and the commit that the base branch was to become. */
  readonly merging_by: string | null;
  readonly merging_sha: string | null;
}

type NewPull = Pick<
  PullRow,
  "login" | "title" | "body" | "head_ref" | "head_sha" | "base_ref" | "base_sha"
> & { draft: boolean };

/** Pull requests. */
export class Pulls {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  create(repoId: number, pull: NewPull): PullRow {
    const now = timestamp();
    const { id } = this.#db.run(
      `INSERT INTO pulls (repo_id, number, login, title, body, draft, state, head_ref, head_sha, base_ref, base_sha,
                          created_at, updated_at)
       VALUES (?1, (SELECT coalesce(max(number), 0) + 1 FROM pulls WHERE repo_id = ?1), ?, ?, ?, ?, 'open', ?, ?, ?, ?,
               ?, ?)`,
      ...[repoId, pull.login, pull.title, pull.body, Number(pull.draft)],
      ...[pull.head_ref, pull.head_sha, pull.base_ref, pull.base_sha, now, now],
    );
    const row = this.#db.one<PullRow>("SELECT * FROM pulls WHERE id = ?", id);
    if (!row) throw new Error(`pull request ${id} is gone`);
    return row;
  }

  get(repoId: number, number: number): PullRow | undefined {
    const select = "SELECT * FROM pulls WHERE repo_id = ? AND number = ?";
    return this.#db.one<PullRow>(select, repoId, number);
  }

  /** All of a repository, oldest first. */
  all(repoId: number): PullRow[] {
    return this.#db.all<PullRow>("SELECT * FROM pulls WHERE repo_id = ? ORDER BY number", repoId);
  }

  /** Changes what is given, and the time of the last change. */
  change(id: number, changes: Partial<Omit<PullRow, "id" | "repo_id" | "number">>): void {
    const pairs = Object.entries({ ...changes, updated_at: timestamp() });
    const set = pairs.map(([column]) => `${column} = ?`).join(", ");
    this.#db.run(`UPDATE pulls SET ${set} WHERE id = ?`, ...pairs.map(([, value]) => value), id);
  }
}
