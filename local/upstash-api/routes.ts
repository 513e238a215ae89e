import type { HttpBindings } from "@hono/node-server";
import type { Hono } from "hono";
import * as z from "zod";
import {
  type ApiContext,
  ApiFaults,
  apiApp,
  bodyOf,
  faulty,
  type Problem,
  same,
} from "../faulty-api.ts";
import type { Account } from "./account.ts";
import * as bodies from "./bodies.ts";
import { REDIS, redisRoutes } from "./redis-routes.ts";
import type { DatabaseRow, IndexRow } from "./store.ts";

const API = "/v2";
const AWS = [
  ...["us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "eu-central-1"],
  ...["eu-west-1", "eu-west-2", "sa-east-1", "ap-south-1", "ap-northeast-1"],
  ...["ap-southeast-1", "ap-southeast-2"],
];
const GCP = ["us-central1", "us-east4", "europe-west1"];
const name = z.string().min(1).max(100);

const newIndex = z
  .object({
    name,
    region: z.enum(["us-east-1", "eu-west-1", "us-central1"]),
    similarity_function: z.enum(["COSINE", "EUCLIDEAN", "DOT_PRODUCT"]),
    dimension_count: z.int().min(0).max(5000),
    index_type: z.enum(["DENSE", "SPARSE", "HYBRID"]).default("DENSE"),
    embedding_model: z.string().optional(),
    sparse_embedding_model: z.enum(["BM25", "BGE_M3"]).optional(),
  })
  .refine(({ similarity_function }) => similarity_function === "COSINE", {
    error: "the local vector server knows COSINE alone",
    path: ["similarity_function"],
  });

const newDatabase = z
  .object({
    database_name: name,
    platform: z.enum(["aws", "gcp"]),
    primary_region: z.string(),
    read_regions: z.array(z.string()).max(0, "the local one has no read regions").optional(),
    tls: z.literal(true).default(true),
  })
  .refine((body) => (body.platform === "aws" ? AWS : GCP).includes(body.primary_region), {
    error: "not a region of this platform",
    path: ["primary_region"],
  });

const problem: Problem = (status, error, headers = {}) =>
  Response.json({ error }, { status, headers });

/** The part of the Developer API that README.md lists, and the databases' own REST APIs. */
export function routes(
  account: Account,
  { email, apiKey }: { email: string; apiKey: string },
): Hono<{ Bindings: HttpBindings }> {
  const faults = new ApiFaults(account.store.db);
  const wanted = `Basic ${Buffer.from(`${email}:${apiKey}`).toString("base64")}`;
  const authorized = (c: ApiContext) =>
    // Databases have tokens of their own.
    c.req.path.startsWith(`${REDIS}/`) || same(c.req.header("authorization"), wanted);
  const app = apiApp({ name: "upstash-api", faults, problem, authorized });
  const struck = (c: ApiContext, work: (readDelayMs: number) => Response | Promise<Response>) =>
    faulty(c, { faults, problem }, work);
  const id = (c: ApiContext) => c.req.param("id") ?? "";

  app.get("/_local/resources", async (c) => c.json(await account.everything()));

  const index = (row: IndexRow) =>
    bodies.index(row, { owner: email, url: account.vectors.urlOf(row.id) });
  app.get(`${API}/vector/index`, (c) =>
    struck(c, () => c.json(account.store.indexes("seen").map(index))),
  );
  app.post(`${API}/vector/index`, async (c) => {
    const { name: called, region, ...settings } = await bodyOf(c, newIndex);
    return await struck(c, async (readDelayMs) =>
      c.json(index(await account.createIndex({ name: called, region, settings }, readDelayMs))),
    );
  });
  app.get(`${API}/vector/index/:id`, (c) => struck(c, () => c.json(index(account.index(id(c))))));
  app.delete(`${API}/vector/index/:id`, (c) =>
    struck(c, async () => {
      await account.removeIndex(account.index(id(c)));
      return c.json("OK");
    }),
  );

  const database = (c: ApiContext, row: DatabaseRow) => {
    const url = `${new URL(c.req.url).origin}${REDIS}/${row.id}`;
    return bodies.database(row, { owner: email, url, hide: c.req.query("credentials") === "hide" });
  };
  app.get(`${API}/redis/databases`, (c) =>
    struck(c, () => c.json(account.store.databases("seen").map((row) => database(c, row)))),
  );
  app.post(`${API}/redis/database`, async (c) => {
    const { database_name, primary_region: region } = await bodyOf(c, newDatabase);
    return await struck(c, (readDelayMs) =>
      c.json(database(c, account.createDatabase({ name: database_name, region }, readDelayMs))),
    );
  });
  app.get(`${API}/redis/database/:id`, (c) =>
    struck(c, () => c.json(database(c, account.database(id(c))))),
  );
  app.delete(`${API}/redis/database/:id`, (c) =>
    struck(c, () => {
      account.store.removeDatabase(account.database(id(c)).id);
      return c.json("OK");
    }),
  );

  redisRoutes(app, account.store);
  return app;
}
