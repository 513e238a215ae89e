import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { MIGRATIONS } from "./schema.ts";

/** A large WAL: what is written soon again need not be copied into the file each time. */
const PRAGMAS = `
PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
PRAGMA wal_autocheckpoint = 4000;
`;

/**
 * The engine's state: one sqlite file in WAL mode, used by one process: no other may even open it, which makes reads
 * cheap, caches safe, and two engines on one directory impossible.
 *
 * `synchronous = NORMAL`: a commit survives the end of the process at any moment (what the engine promises);
 * a power cut may take the last commits, which is a fair price for a laptop's speed.
 */
export class Database {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #afterCommit: (() => void)[] = [];
  readonly #onRollback: (() => void)[] = [];
  #inTransaction = false;

  /** @param dir directory that holds `engine.db`; created when missing. */
  constructor(dir: string) {
    mkdirSync(dir, { recursive: true });
    this.#db = new DatabaseSync(join(dir, "engine.db"), { timeout: 5000 });
    try {
      this.#db.exec(PRAGMAS);
    } catch (error) {
      this.#db.close();
      const message = `${join(dir, "engine.db")} is in use, probably by another engine`;
      throw new Error(message, { cause: error });
    }
    const version = this.one<{ user_version: number }>("PRAGMA user_version")?.user_version ?? 0;
    if (version > MIGRATIONS.length) {
      this.#db.close();
      throw new Error(
        `${join(dir, "engine.db")} was written by a newer engine (version ${version}, this one knows ` +
          `${MIGRATIONS.length}): use that one, or remove the directory`,
      );
    }
    MIGRATIONS.slice(version).forEach((migration, i) => {
      this.#db.exec(`BEGIN; ${migration}; PRAGMA user_version = ${version + i + 1}; COMMIT;`);
    });
  }

  /** First row, or undefined. */
  one<T>(sql: string, ...params: SQLInputValue[]): T | undefined {
    return this.#prepare(sql).get(...params) as T | undefined;
  }

  all<T>(sql: string, ...params: SQLInputValue[]): T[] {
    return this.#prepare(sql).all(...params) as T[];
  }

  /** Runs a statement and answers how many rows it changed. */
  run(sql: string, ...params: SQLInputValue[]): number {
    return Number(this.#prepare(sql).run(...params).changes);
  }

  /**
   * Runs `work` in one transaction; inside another transaction it simply joins. What was given to
   * {@link afterCommit} runs once everything is committed, and never when it was rolled back.
   */
  transaction<T>(work: () => T): T {
    if (this.#inTransaction) return work();
    this.run("BEGIN IMMEDIATE");
    this.#inTransaction = true;
    this.#afterCommit = [];
    let result: T;
    try {
      result = work();
      this.run("COMMIT");
    } catch (error) {
      this.run("ROLLBACK");
      for (const forget of this.#onRollback) forget();
      throw error;
    } finally {
      this.#inTransaction = false;
    }
    const effects = this.#afterCommit;
    this.#afterCommit = [];
    for (const effect of effects) effect();
    return result;
  }

  /** Postpones an effect on memory until what caused it is committed. */
  afterCommit(effect: () => void): void {
    if (this.#inTransaction) this.#afterCommit.push(effect);
    else effect();
  }

  /** `forget` drops what memory has of the database: it is called when a transaction is undone. */
  onRollback(forget: () => void): void {
    this.#onRollback.push(forget);
  }

  close(): void {
    if (this.#db.isOpen) this.#db.close();
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}
