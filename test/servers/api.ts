import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAdaptorServer } from "@hono/node-server";
import { sql } from "drizzle-orm";
import type { EventType } from "inngest";
import type { z } from "zod";
import { db } from "#db/client.ts";
import { mintLocalToken } from "#lib/auth/local.ts";
import { CATALOGUE } from "#lib/events/catalogue.ts";
import { startInngest } from "#local/inngest/server.ts";
import { startUpstashVector } from "#local/upstash-vector/server.ts";
import { testDatabase } from "../setup/database.ts";

/** What GitHub signs its webhooks with, in these tests. */
export const WEBHOOK_SECRET = "a third secret of the tests, long enough";
/** And what Vercel does. */
export const VERCEL_SECRET = "a fourth secret of the tests, long enough";

export type Body = NonNullable<RequestInit["body"]>;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** The parsed body; null when it is empty. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly json: any;
  readonly text: string;
}

export interface Call {
  /** Signs the request as this user; without one no token is sent. */
  readonly as?: string;
  readonly json?: unknown;
  readonly body?: Body;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The HTTP edge on a real port, over a database, an event server, a vector store and a blob directory of its own. */
export interface TestApi {
  readonly url: string;
  readonly inngestUrl: string;
  call(method: string, path: string, call?: Call): Promise<Answer>;
  /** Everything that a request could change: all rows of all tables, and the paths of all blobs. */
  snapshot(): Promise<{ rows: unknown; blobs: string[] }>;
  /** Whether this event reached the event server. */
  accepted(name: string, data: Record<string, unknown>, occasion?: string): Promise<boolean>;
  /** Stops the event server. */
  stopInngest(): Promise<void>;
  stopVectors(): Promise<void>;
  close(): Promise<void>;
}

export async function startTestApi(): Promise<TestApi> {
  const dir = await mkdtemp(join(tmpdir(), "api-"));
  const blobDir = join(dir, "blobs");
  const [database, inngest, vectors] = await Promise.all([
    testDatabase(),
    startInngest({ dir: join(dir, "inngest") }),
    startUpstashVector({ dir: join(dir, "vectors") }),
  ]);
  Object.assign(process.env, database.env, vectors.env, {
    INNGEST_DEV: inngest.url,
    BLOB_DIR: blobDir,
    LOCAL_AUTH_SECRET: "a secret of the tests, long enough",
    APPROVAL_EDGE_SECRET: "another secret of the tests, long enough",
    GITHUB_WEBHOOK_SECRET: WEBHOOK_SECRET,
    VERCEL_WEBHOOK_SECRET: VERCEL_SECRET,
  });
  // Not before: the Inngest client reads its environment when it is made.
  const [{ app }, { event }] = await Promise.all([
    import("#api/index.ts"),
    import("#lib/events/emit.ts"),
  ]);
  const server = createAdaptorServer({ fetch: app.fetch });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    url,
    inngestUrl: inngest.url,
    async call(method, path, { as, json, body, headers = {} } = {}) {
      const response = await fetch(url + path, {
        method,
        headers: {
          ...(as !== undefined && { authorization: `Bearer ${await mintLocalToken(as)}` }),
          ...(json !== undefined && { "content-type": "application/json" }),
          ...headers,
        },
        ...(json !== undefined && { body: JSON.stringify(json) }),
        ...(body !== undefined && { body, duplex: "half" }),
      });
      const text = await response.text();
      const isJson = /[/+]json/.test(response.headers.get("content-type") ?? "");
      const { status } = response;
      return {
        status,
        headers: response.headers,
        text,
        json: isJson && text !== "" ? JSON.parse(text) : null,
      };
    },
    async snapshot() {
      const { rows: tables } = await db().execute(
        sql`select table_name from information_schema.tables where table_schema = 'public' order by 1`,
      );
      const rows: Record<string, unknown> = {};
      for (const { table_name } of tables) {
        const table = sql.identifier(String(table_name));
        const found = await db().execute(sql`select to_jsonb(t) as row from ${table} t order by 1`);
        rows[String(table_name)] = found.rows;
      }
      // Absent until the first upload.
      const blobs = await readdir(blobDir, { recursive: true }).catch(() => []);
      return { rows, blobs: blobs.filter((path) => path !== ".spool").sort() };
    },
    async accepted(name, data, occasion) {
      const type = CATALOGUE.get(name);
      if (!type) throw new Error(`no event ${name}`);
      const { id } = event(
        type as EventType<string, z.ZodType<typeof data, typeof data>>,
        data,
        occasion,
      );
      return (await fetch(`${inngest.url}/v1/events/${encodeURIComponent(id)}`)).ok;
    },
    stopInngest: () => inngest.close(),
    stopVectors: () => vectors.close(),
    async close() {
      const closed = once(server, "close");
      server.close();
      if ("closeAllConnections" in server) server.closeAllConnections();
      await closed;
      await Promise.all([inngest.close(), vectors.close(), database.close()]);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** A body of `size` bytes that is made while it is read. */
export function bytes(size: number): ReadableStream<Uint8Array> {
  const chunk = new Uint8Array(64 * 1024).fill(97);
  let left = size;
  return new ReadableStream({
    pull(controller) {
      if (left <= 0) return controller.close();
      controller.enqueue(chunk.subarray(0, Math.min(left, chunk.length)));
      left -= chunk.length;
    },
  });
}
