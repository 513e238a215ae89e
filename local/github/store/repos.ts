import { type Database, timestamp } from "./database.ts";

export interface UserRow {
  readonly id: number;
  readonly login: string;
  readonly created_at: string;
}

/** Who asks, and what the token may. */
export interface Caller {
  readonly login: string;
  /** `owner/name` in lower case of all that the token can see; null: everything. */
  readonly repos: readonly string[] | null;
  readonly permission: "read" | "write";
}

export interface RepoRow {
  readonly id: number;
  readonly owner: string;
  readonly name: string;
  readonly private: number;
  readonly description: string | null;
  readonly default_branch: string;
  readonly created_at: string;
  readonly pushed_at: string;
}

/** Users, their tokens, repositories and the references that were last seen in them. */
export class Repos {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** The user of that login, made when it is not there. */
  user(login: string): UserRow {
    const insert = "INSERT INTO users (login, created_at) VALUES (?, ?) ON CONFLICT DO NOTHING";
    this.#db.run(insert, login, timestamp());
    const row = this.#db.one<UserRow>("SELECT * FROM users WHERE login = ?", login);
    if (!row) throw new Error(`no user ${login}`);
    return row;
  }

  knownUser(login: string): UserRow | undefined {
    return this.#db.one<UserRow>("SELECT * FROM users WHERE login = ?", login);
  }

  addToken(token: string, { login, repos, permission }: Caller): void {
    this.user(login);
    this.#db.run(
      "INSERT INTO tokens VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
      ...[token, login, repos && JSON.stringify(repos.map((r) => r.toLowerCase())), permission],
    );
  }

  caller(token: string): Caller | undefined {
    interface Row extends Omit<Caller, "repos"> {
      repos: string | null;
    }
    const row = this.#db.one<Row>("SELECT * FROM tokens WHERE token = ?", token);
    return row && { ...row, repos: row.repos === null ? null : JSON.parse(row.repos) };
  }

  /** Undefined when the owner has a repository of that name. */
  create(
    repo: Pick<RepoRow, "owner" | "name" | "description"> & { private: boolean },
  ): RepoRow | undefined {
    const { owner, name, description } = repo;
    const now = timestamp();
    const { changes, id } = this.#db.run(
      `INSERT INTO repos (owner, name, private, description, default_branch, created_at, pushed_at)
       VALUES (?, ?, ?, ?, 'main', ?, ?) ON CONFLICT DO NOTHING`,
      ...[owner, name, Number(repo.private), description, now, now],
    );
    return changes === 0 ? undefined : this.byId(id);
  }

  remove(id: number): void {
    this.#db.run("DELETE FROM repos WHERE id = ?", id);
  }

  byId(id: number): RepoRow | undefined {
    return this.#db.one<RepoRow>("SELECT * FROM repos WHERE id = ?", id);
  }

  find(owner: string, name: string): RepoRow | undefined {
    return this.#db.one<RepoRow>("SELECT * FROM repos WHERE owner = ? AND name = ?", owner, name);
  }

  all(): RepoRow[] {
    return this.#db.all<RepoRow>("SELECT * FROM repos ORDER BY id");
  }

  refs(id: number): Map<string, string> {
    const rows = this.#db.all<{ ref: string; sha: string }>(
      "SELECT ref, sha FROM refs WHERE repo_id = ? ORDER BY ref",
      id,
    );
    return new Map(rows.map(({ ref, sha }) => [ref, sha]));
  }

  /** @param sha null: the reference is gone. */
  setRef(id: number, ref: string, sha: string | null): void {
    if (sha === null) this.#db.run("DELETE FROM refs WHERE repo_id = ? AND ref = ?", id, ref);
    else {
      this.#db.run(
        "INSERT INTO refs VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET sha = excluded.sha",
        ...[id, ref, sha],
      );
    }
    this.#db.run("UPDATE repos SET pushed_at = ? WHERE id = ?", timestamp(), id);
  }

  setDefaultBranch(id: number, branch: string): void {
    this.#db.run("UPDATE repos SET default_branch = ? WHERE id = ?", branch, id);
  }
}
