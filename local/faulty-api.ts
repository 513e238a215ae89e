import { createHash, timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { DatabaseSync } from "node:sqlite";
import { createAdaptorServer, type HttpBindings } from "@hono/node-server";
import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import * as z from "zod";
import { struck, struckRequests, TRANSPORT_FAULTS } from "./faults.ts";
import { KEEP_ALIVE_MS } from "./part.ts";

const MAX_BODY_BYTES = 256 * 1024;

/** How a provider's API can be told to fail: as the ledger service, and `locked`, 423 as Neon says it. */
const newFault = z.strictObject({
  ...struckRequests,
  fault: z.enum([...TRANSPORT_FAULTS, "locked", "echo"]),
  /** What `echo` answers. */
  status: z.int().min(200).max(599).default(422),
  body: z.string().max(20_000).default(""),
});
type Fault = Pick<z.infer<typeof newFault>, "fault" | "ms" | "status" | "body">;

export type ApiContext = Context<{ Bindings: HttpBindings }>;
type Answer = Response | Promise<Response>;

/** What a service says when something is wrong, in its own form. */
export type Problem = (
  status: number,
  message: string,
  headers?: Record<string, string>,
) => Response;

/** A refusal of the service, thrown where it is found. */
export class Refused extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The faults that were ordered, in the service's own database. */
export class ApiFaults {
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
    db.exec(`CREATE TABLE IF NOT EXISTS faults (
      id INTEGER PRIMARY KEY AUTOINCREMENT, method TEXT, path TEXT NOT NULL, strikes TEXT NOT NULL,
      times INTEGER NOT NULL, fault TEXT NOT NULL
    ) STRICT`);
  }

  add({ method, path, times, on, ...fault }: z.infer<typeof newFault>): void {
    const strikes = on ?? (method || fault.fault === "error500" ? "any" : "write");
    this.#db
      .prepare("INSERT INTO faults (method, path, strikes, times, fault) VALUES (?, ?, ?, ?, ?)")
      .run(method ?? null, path, strikes, times, JSON.stringify(fault));
  }

  clear(): void {
    this.#db.exec("DELETE FROM faults");
  }

  /** The oldest one that strikes this request, used up by one. */
  take({ method, path }: { method: string; path: string }): Fault | undefined {
    const what = method === "GET" ? "read" : "write";
    const row = this.#db
      .prepare(
        `SELECT id, fault FROM faults WHERE (method IS NULL OR method = ?) AND instr(?, path) > 0
         AND strikes IN (?, 'any') ORDER BY id LIMIT 1`,
      )
      .get(method, path, what) as { id: number; fault: string } | undefined;
    if (!row) return undefined;
    this.#db.prepare("UPDATE faults SET times = times - 1 WHERE id = ?").run(row.id);
    this.#db.prepare("DELETE FROM faults WHERE id = ? AND times <= 0").run(row.id);
    return JSON.parse(row.fault);
  }
}

/**
 * An app with what the APIs of providers have in common: a bounded body, errors in the service's form, 501 for what is not
 * there, and the routes by which faults are ordered. `authorized` says whether the caller may ask anything.
 */
export function apiApp(options: {
  readonly name: string;
  readonly faults: ApiFaults;
  readonly problem: Problem;
  readonly authorized: (c: ApiContext) => boolean;
}): Hono<{ Bindings: HttpBindings }> {
  const { name, faults, problem, authorized } = options;
  const app = new Hono<{ Bindings: HttpBindings }>();
  const onError = async (c: Context) => {
    // Read off, because an answer to a caller that is still sending may not arrive.
    await c.req.raw.body?.pipeTo(new WritableStream());
    return problem(413, `the body has more than ${MAX_BODY_BYTES} bytes`);
  };
  app.use(bodyLimit({ maxSize: MAX_BODY_BYTES, onError }));
  app.use(async (c, next) => {
    if (!authorized(c)) throw new Refused(401, "the credentials are not right");
    await next();
  });
  app.put("/_faults", async (c) => {
    const fault = await bodyOf(c, newFault);
    faults.add(fault);
    return c.json(fault);
  });
  app.delete("/_faults", (c) => {
    faults.clear();
    return c.body(null, 204);
  });
  app.notFound((c) => problem(501, `not implemented: ${c.req.method} ${c.req.path}`));
  app.onError((error) => {
    if (error instanceof Refused) return problem(error.status, error.message);
    console.error(`${name}:`, error);
    return problem(500, "internal error");
  });
  return app;
}

/**
 * Does `work` in the way that an ordered fault says, if there is one.
 * @param work gets how long readers do not see what it creates, in milliseconds.
 */
export async function faulty(
  c: ApiContext,
  { faults, problem }: { faults: ApiFaults; problem: Problem },
  work: (readDelayMs: number) => Answer,
): Promise<Response> {
  const { method, path } = c.req;
  const fault = faults.take({ method, path });
  if (fault?.fault === "locked") return problem(423, "other operations are running");
  if (fault?.fault === "echo") return new Response(fault.body, { status: fault.status });
  const told = fault && {
    fault: fault.fault as Exclude<Fault["fault"], "locked" | "echo">,
    ms: fault.ms,
  };
  return await struck(told, c.env.incoming satisfies IncomingMessage, {
    // Caught here: what is refused is an answer, whatever happens to it then.
    work: async (readDelayMs) => {
      try {
        return await work(readDelayMs);
      } catch (error) {
        if (error instanceof Refused) return problem(error.status, error.message);
        throw error;
      }
    },
    failed: () => problem(500, "told to fail"),
    limited: () => problem(429, "too many requests", { "retry-after": "1" }),
  });
}

/** The body of a request. Refuses it (422) with what is wrong. */
export async function bodyOf<T extends z.ZodType>(c: Context, schema: T): Promise<z.infer<T>> {
  const json: unknown = await c.req.json().catch(() => {
    throw new Refused(400, "the body is not JSON");
  });
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new Refused(422, `${issue?.path.join(".") || "body"}: ${issue?.message}`);
}

/** Whether what a caller says is the secret, without telling by the time it takes how much of it is right. */
export function same(given: string | undefined, wanted: string): boolean {
  const hash = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(hash(given ?? ""), hash(wanted));
}

/** Serves an app on 127.0.0.1. */
export async function listen(
  app: Hono<{ Bindings: HttpBindings }>,
  port: number,
): Promise<{ url: string; close(): Promise<void> }> {
  const server = createAdaptorServer({ fetch: app.fetch }) as Server;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      if (!server.listening) return;
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
