import { z } from "zod";
import { InvalidInput } from "#lib/errors.ts";
import { parseDuration } from "./durations.ts";
import { compile, type Expression } from "./expressions.ts";
import { type FunctionConfig, isLocal, nextTick, parseFunction } from "./function-config.ts";
import type { Database } from "./store/database.ts";
import type { Queue } from "./store/queue.ts";

const registration = z.looseObject({
  url: z.url().refine(isLocal, "a serve URL has to be on this machine (127.0.0.1 or localhost)"),
  appName: z.string().min(1),
  sdk: z.string().default("unknown"),
  functions: z.array(z.unknown()).max(1000),
});

export interface App {
  readonly name: string;
  readonly url: string;
  readonly sdk: string;
  readonly synced_at: number;
}

interface EventTrigger {
  readonly functionId: string;
  readonly expression: Expression | undefined;
}

/** The apps and functions that the engine knows: stored, and in memory for matching. */
export class Registry {
  readonly #db: Database;
  readonly #queue: Queue;
  #listener: () => void = () => {};
  readonly #functions = new Map<string, FunctionConfig>();
  #exact = new Map<string, EventTrigger[]>();
  #prefixes: { prefix: string; trigger: EventTrigger }[] = [];

  constructor(db: Database, queue: Queue) {
    this.#db = db;
    this.#queue = queue;
    for (const { config } of db.all<{ config: string }>(
      "SELECT config FROM functions ORDER BY id",
    )) {
      const fn = JSON.parse(config) as FunctionConfig;
      this.#functions.set(fn.id, fn);
    }
    this.#index();
  }

  /** `listener` is called when a registration has changed something. */
  listen(listener: () => void): void {
    this.#listener = listener;
  }

  /**
   * Takes what an app sends to `/fn/register`: its functions replace the ones it had, whole or not at all.
   * @returns whether anything changed.
   * @throws InvalidInput with what to change.
   */
  register(body: unknown): boolean {
    const parsed = registration.safeParse(body);
    if (!parsed.success) {
      const why = parsed.error.issues
        .map((issue) => `${issue.path.join(".")}: ${issue.message}`)
        .join("; ");
      throw new InvalidInput("bad_registration", why);
    }
    const { url, appName, sdk } = parsed.data;
    const functions = parsed.data.functions.map(parseFunction);
    const before = this.#stored(appName);
    for (const { id } of functions) {
      const owner = this.#owner(id);
      if (owner !== undefined && owner !== appName) {
        throw new InvalidInput("bad_registration", `${id} belongs to the app ${owner} already`);
      }
    }
    this.#db.transaction(() => {
      this.#db.run(
        `INSERT INTO apps (name, url, sdk, synced_at) VALUES (?, ?, ?, ?)
         ON CONFLICT (name) DO UPDATE SET url = excluded.url, sdk = excluded.sdk, synced_at = excluded.synced_at`,
        appName,
        url,
        sdk,
        Date.now(),
      );
      this.#db.run("DELETE FROM functions WHERE app = ?", appName);
      for (const fn of functions) {
        this.#db.run(
          "INSERT INTO functions (id, app, config) VALUES (?, ?, ?)",
          fn.id,
          appName,
          JSON.stringify(fn),
        );
      }
      this.#scheduleCrons([...before.keys()], functions);
    });
    for (const id of before.keys()) this.#functions.delete(id);
    for (const fn of functions) this.#functions.set(fn.id, fn);
    this.#index();
    const changed =
      before.size !== functions.length ||
      functions.some((fn) => before.get(fn.id) !== JSON.stringify(fn));
    if (changed) this.#listener();
    return changed;
  }

  get(id: string): FunctionConfig | undefined {
    return this.#functions.get(id);
  }

  all(): FunctionConfig[] {
    return [...this.#functions.values()];
  }

  apps(): App[] {
    return this.#db.all<App>("SELECT * FROM apps ORDER BY name");
  }

  /** The functions that an event triggers, each once. */
  triggeredBy(
    event: Readonly<Record<string, unknown>> & { readonly name: string },
  ): FunctionConfig[] {
    const candidates = [
      ...(this.#exact.get(event.name) ?? []),
      ...this.#prefixes
        .filter(({ prefix }) => event.name.startsWith(prefix))
        .map(({ trigger }) => trigger),
    ];
    const ids = new Set<string>();
    for (const { functionId, expression } of candidates) {
      if (!expression || expression.matches(expression.capture(event))) ids.add(functionId);
    }
    return [...ids].flatMap((id) => this.#functions.get(id) ?? []);
  }

  /** When a cron is due after `after`, with its jitter, in milliseconds since the epoch. */
  cronDue(trigger: { cron: string; jitter?: string }, after: number): number | undefined {
    const tick = nextTick(trigger.cron, after);
    const jitter = trigger.jitter ? parseDuration(trigger.jitter) * Math.random() : 0;
    return tick === undefined ? undefined : Math.round(tick + jitter);
  }

  #stored(app: string): Map<string, string> {
    const rows = this.#db.all<{ id: string; config: string }>(
      "SELECT id, config FROM functions WHERE app = ?",
      app,
    );
    return new Map(rows.map(({ id, config }) => [id, config]));
  }

  #owner(id: string): string | undefined {
    return this.#db.one<{ app: string }>("SELECT app FROM functions WHERE id = ?", id)?.app;
  }

  /** A schedule that stays as it is keeps its due time, so a restart of the app neither loses nor repeats a tick. */
  #scheduleCrons(before: readonly string[], functions: readonly FunctionConfig[]): void {
    const wanted = new Set<string>();
    for (const fn of functions) {
      for (const trigger of fn.triggers) {
        if (!("cron" in trigger)) continue;
        const id = `cron:${fn.id}:${trigger.cron}`;
        wanted.add(id);
        const payload = JSON.stringify(trigger);
        if (this.#queue.get(id)?.payload === payload) continue;
        const due_at = this.cronDue(trigger, Date.now());
        if (due_at === undefined) continue;
        this.#queue.put({ id, kind: "cron", function_id: fn.id, payload, due_at });
      }
    }
    const touched = new Set([...before, ...functions.map((fn) => fn.id)]);
    const crons = this.#db.all<{ id: string; function_id: string }>(
      "SELECT id, function_id FROM queue WHERE kind = 'cron'",
    );
    for (const { id, function_id } of crons) {
      if (touched.has(function_id) && !wanted.has(id)) this.#queue.remove(id);
    }
  }

  #index(): void {
    this.#exact = new Map();
    this.#prefixes = [];
    for (const fn of this.#functions.values()) {
      for (const trigger of fn.triggers) {
        if (!("event" in trigger)) continue;
        const expression = trigger.expression ? compile(trigger.expression) : undefined;
        const entry = { functionId: fn.id, expression };
        if (trigger.event.endsWith("*")) {
          this.#prefixes.push({ prefix: trigger.event.slice(0, -1), trigger: entry });
        } else {
          const list = this.#exact.get(trigger.event);
          if (list) list.push(entry);
          else this.#exact.set(trigger.event, [entry]);
        }
      }
    }
  }
}
