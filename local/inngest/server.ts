import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { errorMessage, InvalidInput } from "#lib/errors.ts";
import { KEEP_ALIVE_MS, type LocalPart, type PartOptions } from "../part.ts";
import { AppClient } from "./app-client.ts";
import type { Engine, EngineOptions } from "./engine.ts";
import { Executor } from "./executor.ts";
import { currentSlots } from "./flow/concurrency.ts";
import { isLocal } from "./function-config.ts";
import { Gateway } from "./gateway.ts";
import { createRouter } from "./http/routes.ts";
import { ulid } from "./ids.ts";
import { dispatchEvent } from "./matcher.ts";
import { Memory } from "./memory.ts";
import { Registry } from "./registry.ts";
import { Scheduler } from "./scheduler.ts";
import { Database } from "./store/database.ts";
import { Events } from "./store/events.ts";
import { IdempotencyKeys } from "./store/keys.ts";
import { Metadata } from "./store/metadata.ts";
import { Pauses } from "./store/pauses.ts";
import { Queue } from "./store/queue.ts";
import { Rates } from "./store/rates.ts";
import { pruneDaily } from "./store/retention.ts";
import { Runs } from "./store/runs.ts";
import { AppSync } from "./sync.ts";
import { fireTimer } from "./timers.ts";

export interface InngestOptions extends PartOptions, Partial<EngineOptions> {
  /** Serve URLs of apps that are asked to register at the start, until they have. */
  readonly apps?: readonly string[];
  /** How long ended runs and their events are kept, in milliseconds; older ones go at the start and once a day. */
  readonly retentionMs?: number;
}

/** Longer than any function on Vercel may take. */
const CALL_TIMEOUT_MS = 15 * 60 * 1000;
const MAX_CALLS = 100;
const RETENTION_MS = 30 * 24 * 60 * 60 * 1000;

/**
 * Starts the local Inngest engine: one process over one sqlite file in `options.dir`. An app with
 * `INNGEST_DEV=<url>` talks to it through the unmodified SDK. A start on the same directory continues every run.
 * @throws InvalidInput for an app URL that is not on this machine.
 */
export async function startInngest(options: InngestOptions): Promise<LocalPart> {
  const { apps = [], dir, port = 0 } = options;
  const foreign = apps.find((url) => !isLocal(url));
  if (foreign) throw new InvalidInput("bad_app_url", `${foreign} is not a URL on this machine`);

  const log = (message: string) => console.error(`inngest: ${message}`);
  const db = new Database(dir);
  const queue = new Queue(db);
  const engine: Engine = {
    options: {
      retryDelayMs: options.retryDelayMs,
      callTimeoutMs: options.callTimeoutMs ?? CALL_TIMEOUT_MS,
      maxCalls: options.maxCalls ?? MAX_CALLS,
    },
    db,
    queue,
    events: new Events(db),
    runs: new Runs(db),
    pauses: new Pauses(db),
    keys: new IdempotencyKeys(db),
    rates: new Rates(db),
    metadata: new Metadata(db),
    registry: new Registry(db, queue),
    publish(event) {
      const id = ulid();
      if (engine.events.add(id, event)) dispatchEvent(engine, id, event);
    },
    log,
  };
  const client = new AppClient(engine.options.maxCalls);
  const sync = new AppSync(client, log);
  const executor = new Executor(engine, client, (fn) => sync.sync(serveUrl(fn.url), false));
  const gateway = new Gateway(engine);
  const memory = new Memory();
  const everything = { key: "all", limit: engine.options.maxCalls };
  const scheduler = new Scheduler(queue, {
    room(item) {
      if (item.kind !== "call" && item.kind !== "gateway") return { slots: [], aheadMs: 0 };
      const run = engine.runs.get(item.run_id ?? "");
      return {
        slots: run
          ? [everything, ...currentSlots(engine.registry.get(run.functionId), run.slots)]
          : [everything],
        aheadMs: (run?.priority ?? 0) * 1000,
      };
    },
    run(item) {
      memory.busy();
      if (item.kind === "call") return executor.run(item);
      if (item.kind === "gateway") return gateway.run(item);
      return fireTimer(engine, item);
    },
    idle: () => memory.idle(),
  });
  engine.registry.listen(() => scheduler.reconsider());

  const router = createRouter(engine, executor);
  const server = createServer((request, response) => void router.handle(request, response));
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  scheduler.start();
  for (const app of apps) sync.sync(app, true);
  for (const app of engine.registry.apps()) sync.sync(app.url, false);
  const stopPruning = await pruneDaily(db, options.retentionMs ?? RETENTION_MS, (error) =>
    log(`what is old could not be removed: ${errorMessage(error)}`),
  );

  return {
    name: "inngest",
    url,
    env: { INNGEST_DEV: url },
    async close() {
      scheduler.stop();
      executor.stop();
      gateway.stop();
      sync.stop();
      client.close();
      await stopPruning();
      server.closeAllConnections();
      if (server.listening) {
        server.close();
        await once(server, "close");
      }
      db.close();
    },
  };
}

/** The serve URL without the function that it names. */
function serveUrl(functionUrl: string): string {
  const url = new URL(functionUrl);
  url.search = "";
  return url.href;
}
