import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { MIGRATIONS } from "./schema.ts";

/** A large WAL: what is written soon again need not be copied into the file each time. */
const PRAGMAS = `
PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 4000;
`;

/**
 * The engine's state: one sqlite file in WAL mode. One engine owns it, which makes caches safe; others may read it.
 *
 * `synchronous = NORMAL`: a commit survives the end of the process at any moment (what the engine promises);
 * a power cut may take the last commits, which is a fair price for a laptop's speed.
 */
export class Database {
  readonly #db: DatabaseSync;
  /** Held as long as the process lives, however it ends: the sign that the directory has an engine. */
  readonly #lock: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #afterCommit: (() => void)[] = [];
  /** Settles when the transactions that are open together are committed. */
  #group: PromiseWithResolvers<void> | undefined;
  readonly #onRollback: (() => void)[] = [];
  #inTransaction = false;

  /**
   * @param dir directory that holds `engine.db`; created when missing.
   * @param waitMs how long to wait for an engine that is just ending.
   */
  constructor(dir: string, { waitMs = 5000 }: { waitMs?: number } = {}) {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    this.#lock = new DatabaseSync(join(dir, "engine.lock"), { timeout: waitMs });
    try {
      this.#lock.exec("BEGIN EXCLUSIVE");
    } catch (error) {
      this.#lock.close();
      throw new Error(`${dir} is in use by another engine`, { cause: error });
    }
    this.#db = new DatabaseSync(join(dir, "engine.db"), { timeout: waitMs });
    this.#db.exec(PRAGMAS);
    const version = this.one<{ user_version: number }>("PRAGMA user_version")?.user_version ?? 0;
    if (version > MIGRATIONS.length) {
      this.close();
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
   * Runs `work` in one transaction; inside another transaction it simply joins. Transactions of one turn of the event
   * loop are committed together, since most of a commit's cost is the same for one and for many: whoever tells others
   * about it has to wait for {@link committed}. An error undoes this transaction and none of the others.
   */
  transaction<T>(work: () => T): T {
    if (this.#inTransaction) return work();
    if (!this.#group) this.#begin();
    const effects = this.#afterCommit.length;
    this.run("SAVEPOINT work");
    this.#inTransaction = true;
    try {
      const result = work();
      this.run("RELEASE work");
      return result;
    } catch (error) {
      this.run("ROLLBACK TO work");
      this.run("RELEASE work");
      this.#afterCommit.length = effects;
      this.#forget();
      throw error;
    } finally {
      this.#inTransaction = false;
    }
  }

  /** Resolves when everything until now is committed, and what was given to {@link afterCommit} has run. */
  committed(): Promise<void> {
    return this.#group?.promise ?? Promise.resolve();
  }

  /** Postpones an effect on memory until what caused it is committed; it never runs when that is undone. */
  afterCommit(effect: () => void): void {
    if (this.#group) this.#afterCommit.push(effect);
    else effect();
  }

  #begin(): void {
    this.run("BEGIN IMMEDIATE");
    this.#group = Promise.withResolvers();
    // Whoever waits for it handles the failure; when nobody does, there is nobody to tell.
    this.#group.promise.catch(() => {});
    setImmediate(() => this.#commit());
  }

  #commit(): void {
    const group = this.#group;
    if (!group) return;
    const effects = this.#afterCommit;
    this.#group = undefined;
    this.#afterCommit = [];
    try {
      this.run("COMMIT");
    } catch (error) {
      if (this.#db.isTransaction) this.run("ROLLBACK");
      this.#forget();
      group.reject(error);
      return;
    }
    for (const effect of effects) effect();
    group.resolve();
  }

  #forget(): void {
    for (const forget of this.#onRollback) forget();
  }

  /** `forget` drops what memory has of the database: it is called when a transaction is undone. */
  onRollback(forget: () => void): void {
    this.#onRollback.push(forget);
  }

  close(): void {
    if (!this.#db.isOpen) return;
    this.#commit();
    this.#db.close();
    this.#lock.close();
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
