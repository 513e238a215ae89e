import { randomBytes } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import type { RequestListener } from "node:http";
import { join } from "node:path";
import type { Embedder } from "./embed/embedder.ts";
import { listener } from "./http/listener.ts";
import { VectorIndex } from "./index.ts";
import type { IndexType } from "./types.ts";

const ID = /^[A-Za-z0-9-]{1,100}$/;
/** As many as an account of Upstash may have without asking for more. */
const MAX_INDEXES = 100;
/** Of vectors in memory, for each: about 12,000. */
const MEMORY = 32 * 1024 * 1024;

interface Open {
  readonly index: VectorIndex;
  readonly answer: RequestListener;
}

/**
 * Indexes besides the server's own one, each in a directory below `dir` with a token of its own; the model is the server's. They
 * are opened by their first request. A directory gets its name when it is whole, and loses it before it is removed.
 */
export class Indexes {
  readonly #dir: string;
  readonly #embedder: Embedder;
  readonly #open = new Map<string, Open>();

  constructor(dir: string, embedder: Embedder) {
    this.#dir = dir;
    // The server closes the model; an index that goes must not.
    this.#embedder = {
      model: embedder.model,
      dimension: embedder.dimension,
      embed: (texts, options) => embedder.embed(texts, options),
      close: async () => {},
    };
    mkdirSync(dir, { recursive: true });
    // What the last end left half-made or half-removed.
    for (const name of readdirSync(dir)) {
      if (!ID.test(name)) rmSync(join(dir, name), { recursive: true, force: true });
    }
  }

  ids(): string[] {
    return readdirSync(this.#dir)
      .filter((name) => ID.test(name))
      .sort();
  }

  /** Makes an index; one that is there stays as it is. Says no when the id is none, the type differs or there are too many. */
  create(id: string, { token, type }: { token: string; type: IndexType }): string | null {
    if (!ID.test(id)) return "an id has letters, digits and dashes";
    const path = join(this.#dir, id);
    if (existsSync(path)) {
      return this.#settings(id).type === type ? null : "the index is of another type";
    }
    if (this.ids().length >= MAX_INDEXES) return `there are ${MAX_INDEXES} indexes`;
    const fresh = join(this.#dir, `.new-${randomBytes(6).toString("hex")}`);
    mkdirSync(fresh, { mode: 0o700 });
    writeFileSync(join(fresh, "settings.json"), JSON.stringify({ token, type }), { mode: 0o600 });
    renameSync(fresh, path);
    return null;
  }

  /** Removes an index with its vectors; whether it was there. */
  async remove(id: string): Promise<boolean> {
    if (!ID.test(id) || !existsSync(join(this.#dir, id))) return false;
    const gone = join(this.#dir, `.gone-${randomBytes(6).toString("hex")}`);
    renameSync(join(this.#dir, id), gone);
    const open = this.#open.get(id);
    this.#open.delete(id);
    await open?.index.close();
    rmSync(gone, { recursive: true, force: true });
    return true;
  }

  /** What answers the requests to an index; undefined when there is none. */
  at(id: string): RequestListener | undefined {
    if (!ID.test(id)) return undefined;
    const known = this.#open.get(id);
    if (known) return known.answer;
    const dir = join(this.#dir, id);
    if (!existsSync(dir)) return undefined;
    const { token, type } = this.#settings(id);
    const index = new VectorIndex({ dir, type, embedder: this.#embedder, memory: MEMORY });
    const answer = listener(index, token);
    this.#open.set(id, { index, answer });
    return answer;
  }

  /** Fails what waits for the model from now on. */
  async stopEmbedding(): Promise<void> {
    await Promise.all(Array.from(this.#open.values(), ({ index }) => index.stopEmbedding()));
  }

  async close(): Promise<void> {
    await Promise.all(Array.from(this.#open.values(), ({ index }) => index.close()));
    this.#open.clear();
  }

  #settings(id: string): { token: string; type: IndexType } {
    return JSON.parse(readFileSync(join(this.#dir, id, "settings.json"), "utf8"));
  }
}
