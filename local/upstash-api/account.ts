import { randomBytes, randomUUID } from "node:crypto";
import { Refused } from "../faulty-api.ts";
import type { AccountStore, DatabaseRow, IndexRow, IndexSettings } from "./store.ts";
import type { VectorServer } from "./vector-server.ts";

const newToken = () => randomBytes(36).toString("base64url");
const now = () => Math.floor(Date.now() / 1000);

/** What an account has: rows here, indexes at the vector server; neither is without the other, whenever the process dies. */
export class Account {
  readonly store: AccountStore;
  readonly vectors: VectorServer;

  constructor(store: AccountStore, vectors: VectorServer) {
    this.store = store;
    this.vectors = vectors;
  }

  /** Makes whole what the last end left half-made, and removes what it left half-removed. */
  async recover(): Promise<void> {
    for (const row of this.store.indexes("all")) {
      if (row.state === "creating") await this.#make(row, 0);
      if (row.state === "deleting") await this.#drop(row);
    }
  }

  /**
   * The row first: what the vector server has is always known here. Refuses (400) a name that is taken. One that cannot be
   * made is removed again; when that fails too, the next one of its name does it, or the next start.
   */
  async createIndex(
    { name, region, settings }: { name: string; region: string; settings: IndexSettings },
    delayMs: number,
  ): Promise<IndexRow> {
    for (const row of this.store.indexes("all")) {
      if (row.name === name && row.state === "deleting") await this.#drop(row);
    }
    const id = randomUUID();
    const row = { id, name, region, settings, token: newToken(), created_at: now() };
    if (!this.store.addIndex(row)) throw new Refused(400, `index ${name} already exists`);
    const made = { ...row, state: "ready" } as const;
    try {
      await this.#make(made, delayMs);
    } catch (error) {
      await this.removeIndex(made);
      throw error;
    }
    return made;
  }

  async removeIndex(row: IndexRow): Promise<void> {
    this.store.indexDeleting(row.id);
    await this.#drop(row);
  }

  /** Refuses (404) one that readers do not see. */
  index(id: string): IndexRow {
    const row = this.store.indexes("seen").find((one) => one.id === id);
    if (!row) throw new Refused(404, "index not found");
    return row;
  }

  createDatabase({ name, region }: { name: string; region: string }, delayMs: number): DatabaseRow {
    const tokens = { token: newToken(), read_only_token: newToken() };
    const row = { id: randomUUID(), name, region, ...tokens, created_at: now() };
    this.store.addDatabase(row, delayMs);
    return row;
  }

  /** Refuses (404) one that readers do not see. */
  database(id: string): DatabaseRow {
    const row = this.store.databases("seen").find((one) => one.id === id);
    if (!row) throw new Refused(404, "database not found");
    return row;
  }

  /** All rows, without their tokens, and the indexes that the vector server has. */
  async everything() {
    const indexes = this.store.indexes("all").map(({ token, settings, ...row }) => row);
    const databases = this.store.databases("all").map(({ token, read_only_token, ...row }) => row);
    return { indexes, databases, served: await this.vectors.ids() };
  }

  async #make(row: IndexRow, delayMs: number): Promise<void> {
    const { id, token, settings } = row;
    await this.vectors.make(id, { token, type: settings.index_type });
    this.store.indexReady(id, delayMs);
  }

  async #drop(row: IndexRow): Promise<void> {
    await this.vectors.drop(row.id);
    this.store.removeIndex(row.id);
  }
}
