import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { refsOf } from "./git/refs.ts";
import type { Rates } from "./http/rate.ts";
import { Checks } from "./store/checks.ts";
import { Database } from "./store/database.ts";
import { Faults } from "./store/faults.ts";
import { type HookRow, Hooks } from "./store/hooks.ts";
import { type PullRow, Pulls } from "./store/pulls.ts";
import { type RepoRow, Repos } from "./store/repos.ts";

/** What readers see for a while instead of what is there. */
export interface Snapshot {
  readonly refs: ReadonlyMap<string, string>;
  readonly pulls: readonly PullRow[];
}

/** Everything that the routes need: the state on disk, and where the repositories are. */
export class Service {
  readonly db: Database;
  readonly repos: Repos;
  readonly pulls: Pulls;
  readonly checks: Checks;
  readonly hooks: Hooks;
  readonly faults: Faults;
  /** Set when the port is known: `http://127.0.0.1:8400`. */
  origin = "";
  /** Hears of every repository; null when there is none. */
  serverHook: HookRow | null = null;
  /** Called when something was queued for a webhook. */
  onDelivery: () => void = () => undefined;
  readonly #dir: string;
  readonly #locks = new Map<number, Promise<unknown>>();
  readonly #stale = new Map<number, Snapshot & { until: number }>();

  readonly rates: Rates;

  constructor(dir: string, rates: Rates) {
    this.rates = rates;
    this.#dir = join(dir, "repos");
    mkdirSync(this.#dir, { recursive: true });
    this.db = new Database(dir);
    this.repos = new Repos(this.db);
    this.pulls = new Pulls(this.db);
    this.checks = new Checks(this.db);
    this.hooks = new Hooks(this.db);
    this.faults = new Faults(this.db);
  }

  get api(): string {
    return `${this.origin}/api/v3`;
  }

  /** The directory in which all bare repositories are, each named by its id. */
  get root(): string {
    return this.#dir;
  }

  dirOf({ id }: Pick<RepoRow, "id">): string {
    return join(this.#dir, `${id}.git`);
  }

  refs(repo: RepoRow): Map<string, string> {
    return refsOf(this.dirOf(repo));
  }

  /** Runs `work` when nothing else changes the repository through the API. */
  async locked<T>({ id }: Pick<RepoRow, "id">, work: () => Promise<T>): Promise<T> {
    const before = this.#locks.get(id) ?? Promise.resolve();
    const mine = before.then(work, work);
    const settled = mine.then(
      () => undefined,
      () => undefined,
    );
    this.#locks.set(id, settled);
    try {
      return await mine;
    } finally {
      if (this.#locks.get(id) === settled) this.#locks.delete(id);
    }
  }

  /** When nothing changes a repository any more. */
  async idle(): Promise<void> {
    await Promise.all(this.#locks.values());
  }

  /**
   * Does `work` in a way that readers of this repository see what it writes only `ms` after it is done; until then they see what
   * they see now. Ends early with {@link showAll}.
   */
  async unseen<T>(repo: RepoRow, ms: number, work: () => Promise<T>): Promise<T> {
    const refs = this.refs(repo);
    const now = this.stale(repo) ?? { refs, pulls: this.pulls.all(repo.id) };
    const { refs: seen, pulls } = now;
    this.#stale.set(repo.id, { refs: seen, pulls, until: Number.POSITIVE_INFINITY });
    try {
      return await work();
    } finally {
      this.#stale.set(repo.id, { refs: seen, pulls, until: Date.now() + ms });
    }
  }

  /** Readers see everything again. */
  showAll(): void {
    this.#stale.clear();
  }

  stale({ id }: RepoRow): Snapshot | undefined {
    const snapshot = this.#stale.get(id);
    if (snapshot && snapshot.until > Date.now()) return snapshot;
    this.#stale.delete(id);
    return undefined;
  }
}
