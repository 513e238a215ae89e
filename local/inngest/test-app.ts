import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Inngest, type InngestFunction } from "inngest";
import { serve } from "inngest/node";
import type { LocalPart } from "../part.ts";
import { type InngestOptions, startInngest } from "./server.ts";

const POLL_MS = 15;
/** Other servers do not tell what a run waits for: by then it does. */
const FOREIGN_MS = 2000;
const SERVE_PATH = "/api/inngest";

/** A run as `GET /v1/runs/:id` describes it. */
export interface RunView {
  readonly run_id: string;
  readonly function_id: string;
  readonly status: "Running" | "Completed" | "Failed" | "Cancelled";
  readonly output: unknown;
}

/** The failures that tests cause on purpose need not be printed. */
const silent = { debug() {}, info() {}, warn() {}, error() {} };

type Functions = readonly InngestFunction.Any[];

/** An engine and a real SDK app beside it, for tests. */
export interface TestBed {
  readonly engine: LocalPart;
  readonly client: Inngest;
  readonly appUrl: string;
  /** Serves these functions too and has them registered. */
  serve(...functions: Functions): Promise<void>;
  /** Listens again after {@link stopApp}, on the same port, without registering anything. */
  startApp(): Promise<void>;
  /** Takes the app down, as if it had been stopped. */
  stopApp(): Promise<void>;
  /** Sends an event and answers its id. */
  send(name: string, data?: Record<string, unknown>, id?: string): Promise<string>;
  runs(eventId: string): Promise<RunView[]>;
  /** The run that this event started, once it has ended. */
  ended(eventId: string): Promise<RunView>;
  /** Until the runs of these events wait for something of this kind. */
  waiting(kind: "wait" | "signal" | "sleep" | "invoke", ...eventIds: string[]): Promise<void>;
  close(): Promise<void>;
}

/** Polls `check` until it answers something truthy; the test's own timeout is the limit. */
export async function until<T>(
  check: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  for (;;) {
    const value = await check();
    if (value) return value;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** GET on an engine, as JSON. */
export async function get<T>(engine: Pick<LocalPart, "url">, path: string): Promise<T> {
  const response = await fetch(engine.url + path);
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

/** Runs of an event, through the engine's API. */
export async function runsOf(engine: Pick<LocalPart, "url">, eventId: string): Promise<RunView[]> {
  return (await get<{ data: RunView[] }>(engine, `/v1/events/${eventId}/runs`)).data;
}

async function hasJob(engine: LocalPart, runId: string, kind: string): Promise<boolean> {
  const { data } = await get<{ data: { kind: string }[] }>(engine, `/v1/runs/${runId}/jobs`);
  return data.some((job) => job.kind === kind);
}

export interface TestBedOptions extends Partial<InngestOptions> {
  /** A server that is running already, instead of an engine of our own. */
  readonly serverUrl?: string;
}

/** Starts an engine on a fresh directory and an app without functions. */
export async function startTestBed(
  { serverUrl, ...options }: TestBedOptions = {},
  clientOptions: Partial<ConstructorParameters<typeof Inngest>[0]> = {},
): Promise<TestBed> {
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), "inngest-")));
  const engine: LocalPart = serverUrl
    ? { name: "server", url: serverUrl, env: { INNGEST_DEV: serverUrl }, close: async () => {} }
    : await startInngest({ retryDelayMs: 20, ...options, dir });
  const client = new Inngest({
    id: "app",
    isDev: true,
    baseUrl: engine.url,
    logger: silent,
    ...clientOptions,
  });
  const functions: InngestFunction.Any[] = [];
  let server: Server | undefined;
  let handler: RequestListener = () => {};
  let port = 0;

  const startApp = async () => {
    server = createServer((request, response) => handler(request, response));
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    port = (server.address() as AddressInfo).port;
  };
  const stopApp = async () => {
    if (!server?.listening) return;
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  };
  const bed: TestBed = {
    engine,
    client,
    get appUrl() {
      return `http://127.0.0.1:${port}${SERVE_PATH}`;
    },
    async serve(...more) {
      functions.push(...more);
      handler = serve({ client, functions, servePath: SERVE_PATH });
      if (!server?.listening) await startApp();
      const response = await fetch(bed.appUrl, { method: "PUT" });
      if (!response.ok) throw new Error(`not registered: ${await response.text()}`);
    },
    startApp,
    stopApp,
    async send(name, data = {}, id) {
      const { ids } = await client.send({ name, data, id });
      return ids[0] ?? "";
    },
    runs: (eventId) => runsOf(engine, eventId),
    ended: (eventId) =>
      until(async () => {
        const [run] = await runsOf(engine, eventId);
        return run && run.status !== "Running" && run;
      }),
    async waiting(kind, ...eventIds) {
      for (const eventId of eventIds) {
        const run = await until(async () => (await runsOf(engine, eventId))[0]);
        if (serverUrl) await new Promise((resolve) => setTimeout(resolve, FOREIGN_MS));
        else await until(() => hasJob(engine, run.run_id, kind));
      }
    },
    async close() {
      if (serverUrl) {
        // The server lives on: what is triggered there later must not be triggered here, too.
        functions.length = 0;
        await bed.serve();
      }
      await stopApp();
      await engine.close();
      if (options.dir === undefined) await rm(dir, { recursive: true, force: true });
    },
  };
  return bed;
}
