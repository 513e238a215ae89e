import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { eq } from "drizzle-orm";
import { type Db, openDatabase } from "#db/client.ts";
import { projects, runs } from "#db/schema.ts";
import { until } from "#local/client.ts";
import { type PartProcess, startPartProcess } from "#local/process.ts";
import { Boundaries, type Crossing } from "./boundaries.ts";
import { type HttpGate, startHttpGate } from "./http-gate.ts";
import type { Kind } from "./kinds.ts";
import { Transactions } from "./labels.ts";
import { type Desk, decide, PERSON } from "./person.ts";
import { type PgProxy, type Statement, startPgProxy } from "./pg-proxy.ts";
import { type Target, type Targets, targetOf } from "./targets/target.ts";
import { isClocked, REPLY, Workers, watchCalls } from "./workers.ts";

const ENGINE = new URL("../../local/inngest/main.ts", import.meta.url).pathname;
const ENDED = new Set(["succeeded", "failed", "canceled"]);

export interface LaneOptions {
  readonly dir: string;
  /** A migrated database of its own, and the relay that leads to it. */
  readonly database: { readonly url: string; readonly wsProxy: string };
  readonly targets: Targets;
  readonly bundle?: string | undefined;
}

/** An app with everything around it, watched at every boundary: one run at a time goes through it. */
export interface Lane {
  readonly database: Db;
  readonly boundaries: Boundaries;
  readonly workers: Workers;
  /** What the apps printed since the last run began. */
  readonly lines: readonly string[];
  /** Ends Inngest's calls to the app that is called now, which goes on unheard, and lets the other one be called. */
  handOver(): void;
  /** How long the oldest statement that PostgreSQL has not answered is under way, in ms; 0 when there is none. */
  waitingMs(): number;
  /** Sends run.requested and does a person's part until the run has ended. Returns its status, or null after `seconds`. */
  run(request: { runId: string; kind: Kind }, seconds: number): Promise<string | null>;
  /** Names of apps that ended without being killed since the last run began: an exception that nobody caught. */
  readonly crashed: readonly string[];
  /** Waits until no app works on anything any more, and the engine has nothing left of the last run's events. */
  quiet(): Promise<void>;
  /** Makes what a run of this kind needs in its target, and returns that. */
  prepare(kind: Kind, runId: string): Promise<Target>;
  close(): Promise<void>;
}

export async function startLane(options: LaneOptions): Promise<Lane> {
  const { dir, targets } = options;
  await mkdir(dir, { recursive: true });
  const boundaries = new Boundaries();
  const lines: string[] = [];
  const opened: (() => Promise<unknown>)[] = [];
  const close = async () => {
    for (const end of opened.reverse().splice(0)) await end();
  };
  try {
    const database = openDatabase(options.database, { poolSize: 2 });
    opened.push(() => database.$client.end());
    const projectId = "crash";
    await database
      .insert(projects)
      .values({ id: projectId, ownerUserId: PERSON, name: projectId, slug: projectId });

    const statements = watchStatements(boundaries);
    const pg: PgProxy = await startPgProxy(options.database.wsProxy, statements.watch);
    opened.push(() => pg.close());
    const app: HttpGate = await startHttpGate(
      async () => (await workers.current()).url,
      watchCalls(({ method, path }) => {
        const fn = new URL(path, "http://app").searchParams.get("fnId");
        return method === "POST" && fn && !isClocked(fn)
          ? boundaries.cross(`reply ${fn.replace("countersign-", "")}`, "", REPLY)
          : undefined;
      }),
    );
    opened.push(() => app.close());
    const engine: PartProcess = await startPartProcess(ENGINE, {
      dir: join(dir, "inngest"),
      args: ["--app", `${app.url}/api/inngest`, "--retry-delay-ms", "250"],
      onLine: (line) => lines.push(`engine ${line}`),
    });
    opened.push(() => engine.close());
    const workers = new Workers({
      dir,
      bundle: options.bundle,
      env: {
        DATABASE_URL: options.database.url,
        BLOB_DIR: join(dir, "blobs"),
        LOCAL_AUTH_SECRET: "0".repeat(64),
        APPROVAL_EDGE_SECRET: "1".repeat(64),
      },
      targets: Object.values(targets),
      inngestUrl: engine.url,
      pg: () => pg,
      boundaries,
      onLine: (line) => lines.push(line),
    });
    opened.push(() => workers.close());
    await workers.ready();
    await until("the app at the engine", async () => {
      const { functions } = (await (await fetch(`${engine.url}/dev`)).json()) as {
        functions: unknown[];
      };
      return functions.length > 0;
    });

    /** Ids of the events of the run that goes through now. */
    const sent = new Set<string>();
    const send: Desk["send"] = async (event) => {
      const response = await fetch(`${engine.url}/e/local`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(event),
      });
      if (!response.ok) throw new Error(`${event.name}: ${await response.text()}`);
      sent.add(event.id);
    };
    const deskAt = (target: Target): Desk => ({
      database,
      send,
      objects: async (runId, marker) => {
        const { objects } = await target.left(runId);
        return objects.filter((object) => object.marker === marker).map(({ id }) => id);
      },
    });
    return {
      database,
      boundaries,
      workers,
      lines,
      crashed: workers.crashed,
      waitingMs: statements.waitingMs,
      handOver() {
        workers.swap();
        app.abandon();
      },
      async run({ runId, kind }, seconds) {
        lines.length = 0;
        sent.clear();
        workers.crashed.length = 0;
        const desk = deskAt(targetOf(targets, kind));
        const input = kind.input(runId);
        const data = { projectId, runId, kind: "implementation", input, requestedBy: "system" };
        await send({ id: `request-${runId}`, name: "run.requested", data });
        const deadline = performance.now() + seconds * 1000;
        while (performance.now() < deadline) {
          const [row] = await database.select().from(runs).where(eq(runs.id, runId));
          if (row && ENDED.has(row.status)) return row.status;
          await decide(desk, projectId, runId);
          await sleep(100);
        }
        return null;
      },
      quiet: async () => {
        await until("the end of all calls", async () => app.underWay() === 0, 30);
        await until("the end of what it was told", async () => {
          const told = await Promise.all([...sent].map((id) => engineRuns(engine.url, id)));
          return told.flat().every((status) => status !== "Running");
        });
      },
      async prepare(kind, runId) {
        const target = targetOf(targets, kind);
        await target.prepare({ database, projectId, runId });
        return target;
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** How the engine's runs that an event woke stand. */
async function engineRuns(engineUrl: string, eventId: string): Promise<string[]> {
  const response = await fetch(`${engineUrl}/v1/events/${eventId}/runs`);
  const { data } = (await response.json()) as { data: { status: string }[] };
  return data.map(({ status }) => status);
}

/** Makes crossings of the statements that write, and knows what PostgreSQL is at. */
function watchStatements(boundaries: Boundaries) {
  const transactions = new Transactions();
  const crossings = new WeakMap<Statement, Crossing>();
  const underWay = new Map<Statement, number>();
  return {
    watch: {
      async before(statement: Statement) {
        const label = transactions.label(statement);
        const crossing = label && boundaries.cross(label, statement.client);
        if (crossing) crossings.set(statement, crossing);
        const go = crossing ? await crossing.before() : true;
        if (go) underWay.set(statement, performance.now());
        return go;
      },
      async after(statement: Statement) {
        underWay.delete(statement);
        return (await crossings.get(statement)?.after()) ?? true;
      },
    },
    waitingMs: () => {
      const since = Math.min(...underWay.values());
      return Number.isFinite(since) ? performance.now() - since : 0;
    },
  };
}
