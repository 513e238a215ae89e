import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { sql } from "drizzle-orm";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { db } from "#db/client.ts";
import { freePort } from "#local/free-port.ts";
import { type TestDatabase, testDatabase } from "../../test/setup/database.ts";
import { examine } from "./examine.ts";

/** What the outside answers: set by each test. */
let answer: (request: IncomingMessage, response: ServerResponse) => void;
const outside = createServer((request, response) => answer(request, response));
let url: string;
let database: TestDatabase;

beforeAll(async () => {
  outside.listen(0, "127.0.0.1");
  await once(outside, "listening");
  url = `http://127.0.0.1:${(outside.address() as AddressInfo).port}`;
  database = await testDatabase();
});
afterAll(async () => {
  outside.closeAllConnections();
  outside.close();
  await database.close();
});

const before = { ...process.env };
afterEach(() => {
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  Object.assign(process.env, before, database.env);
});

/** Characters that no message of ours has by chance. */
const SECRET = "qX7vK2mW9tR4pL6n";

/** The environment of every integration that is asked over HTTP, all at `base`. */
function everythingAt(base: string): void {
  Object.assign(process.env, {
    INNGEST_DEV: base,
    COUNTERSIGN_URL: base,
    UPSTASH_VECTOR_REST_URL: base,
    UPSTASH_VECTOR_REST_TOKEN: `vector-${SECRET}`,
    NEON_AUTH_JWKS_URL: `${base}/jwks`,
    GITHUB_API_URL: `${base}/github`,
    GITHUB_TOKEN: `github-${SECRET}`,
    VERCEL_API_URL: base,
    VERCEL_TOKEN: `vercel-${SECRET}`,
    NEON_API_URL: `${base}/api/v2`,
    NEON_ORG_ID: "org-1",
    NEON_API_KEY: `neon-${SECRET}`,
    UPSTASH_API_URL: `${base}/v2`,
    UPSTASH_EMAIL: "ops@example.com",
    UPSTASH_API_KEY: `upstash-${SECRET}`,
    LEDGER_URL: base,
    LEDGER_TOKEN: `ledger-${SECRET}`,
    MODEL: "writer",
    MODEL_URL: `${base}/v1`,
    MODEL_API_KEY: `model-${SECRET}`,
  });
}

const OVER_HTTP = [
  ...["Inngest", "the app", "Upstash Vector", "login", "GitHub", "model"],
  ...["Vercel", "Neon API", "Upstash API", "the ledger service"],
];

async function findings(limitMs = 15_000) {
  const report = await examine(limitMs);
  // Whatever went wrong: nothing of a credential is in it.
  expect(JSON.stringify(report)).not.toContain(SECRET);
  return new Map(report.checks.map((check) => [check.name, check]));
}

test("what refuses the credential, is not there or answers nonsense is named, with what to do", async () => {
  const cases: [string, typeof answer | null, RegExp][] = [
    ["401", (_, response) => response.writeHead(401).end(SECRET), /refused the credential \(401\)/],
    ["500", (_, response) => response.writeHead(500).end(SECRET), /answered 500/],
    [
      "a login page",
      (_, response) => response.writeHead(302, { location: "/in" }).end(),
      /answered 302/,
    ],
    [
      "no JSON",
      (_, response) => response.end(`<p>${SECRET}`),
      /JSON|does not know the app|entry for Inngest/,
    ],
    [
      "other JSON",
      (_, response) => response.end(`["${SECRET}"]`),
      /^What answers|does not know the app|entry for Inngest/,
    ],
    ["a broken connection", (request) => request.socket.destroy(), /did not answer/],
    ["a closed port", null, /did not answer: ECONNREFUSED/],
  ];
  for (const [name, how, reason] of cases) {
    if (how) answer = how;
    everythingAt(how ? url : `http://127.0.0.1:${await freePort()}`);
    const found = await findings();
    for (const check of OVER_HTTP) {
      // Three are content with any JSON from the right path with the right credential.
      if (name === "other JSON" && /^(Vercel|Neon API|Upstash API|the ledger)/.test(check))
        continue;
      expect({ name, check, ...found.get(check) }).toMatchObject({
        state: "failed",
        detail: expect.stringMatching(reason),
        remedy: expect.stringMatching(/\w/),
      });
    }
  }
});

test("what does not answer costs no more than the limit, all together", async () => {
  const waiting: ServerResponse[] = [];
  answer = (_, response) => waiting.push(response);
  everythingAt(url);
  const began = performance.now();
  const found = await findings(1500);
  // One after the other they would take ten times as long.
  expect(performance.now() - began).toBeLessThan(1500 * 5);
  for (const check of OVER_HTTP) {
    expect(found.get(check)).toMatchObject({ state: "failed" });
  }
  expect(waiting.length).toBe(OVER_HTTP.length);
  for (const response of waiting) response.destroy();
});

/** What each service answers to whom it knows, by path. */
const SERVICES: Record<string, { credential?: string; body: unknown; headers?: object }> = {
  "/dev": { body: { functions: [{ slug: "countersign-ingest-file" }] } },
  "/api/health": { body: { status: "ok" } },
  "/api/inngest": { body: { function_count: 3, mode: "dev" } },
  "/info": {
    credential: `Bearer vector-${SECRET}`,
    body: {
      result: {
        indexType: "HYBRID",
        dimension: 1024,
        denseIndex: { embeddingModel: "BGE_M3" },
        sparseIndex: { embeddingModel: "BM25" },
      },
    },
  },
  "/jwks": { body: { keys: [{ kty: "OKP" }] } },
  "/github/rate_limit": {
    credential: `Bearer github-${SECRET}`,
    body: { rate: { limit: 5000, remaining: 4321 } },
    headers: { "x-oauth-scopes": "gist, repo" },
  },
  "/v2/user": { credential: `Bearer vercel-${SECRET}`, body: {} },
  "/api/v2/projects?limit=1&org_id=org-1": { credential: `Bearer neon-${SECRET}`, body: {} },
  "/v2/redis/databases": {
    credential: `Basic ${Buffer.from(`ops@example.com:upstash-${SECRET}`).toString("base64")}`,
    body: [],
  },
  "/books/doctor": { credential: `Bearer ledger-${SECRET}`, body: {} },
  "/v1/models": { credential: `Bearer model-${SECRET}`, body: { data: [{ id: "writer" }] } },
};

function serve(changed: typeof SERVICES = {}): void {
  const services = { ...SERVICES, ...changed };
  answer = ({ url: path = "", headers }, response) => {
    const service = services[path];
    if (!service) response.writeHead(404).end();
    else if (headers.authorization !== service.credential) response.writeHead(401).end();
    else response.writeHead(200, { ...service.headers }).end(JSON.stringify(service.body));
  };
}

test("each service is asked where it is, with its own credential and no other's", async () => {
  serve();
  everythingAt(url);
  const found = await findings();
  for (const check of OVER_HTTP) expect(found.get(check)).toMatchObject({ state: "ok" });
  expect(found.get("GitHub")?.detail).toContain("4321 of 5000");
  expect(found.get("Upstash Vector")?.detail).toContain("BGE_M3 with 1024 dimensions");
});

test("an app in production tells nobody of its functions who does not sign, which is as it should be", async () => {
  serve({ "/api/inngest": { credential: "a signature", body: {} } });
  everythingAt(url);
  const found = await findings();
  expect(found.get("the app")).toMatchObject({
    state: "ok",
    detail: expect.stringContaining("takes signed calls alone"),
  });
});

const info = (result: object) => ({ "/info": { ...SERVICES["/info"], body: { result } } });
const scopes = (list: string) => ({
  "/github/rate_limit": {
    ...SERVICES["/github/rate_limit"],
    body: SERVICES["/github/rate_limit"]?.body,
    headers: { "x-oauth-scopes": list },
  },
});

test.each([
  ["Upstash Vector", info({ indexType: "DENSE", dimension: 384 }), /not hybrid/],
  ["Upstash Vector", info({ indexType: "HYBRID", dimension: 384 }), /does not embed/],
  ["GitHub", scopes("gist"), /no scope/],
  ["GitHub", scopes(""), /no scope/],
  ["model", { "/v1/models": { ...SERVICES["/v1/models"], body: { data: [] } } }, /does not list/],
  ["login", { "/jwks": { body: { keys: [{ kty: "oct", k: SECRET }] } } }, /no public key/],
  ["Inngest", { "/dev": { body: { functions: [] } } }, /does not know the app/],
  [
    "the app",
    { "/api/inngest": { body: { message: "no signing key" } } },
    /entry for Inngest answered 200/,
  ],
])("%s works, and is not what is needed: %o", async (check, changed, reason) => {
  serve(changed as typeof SERVICES);
  everythingAt(url);
  const found = await findings();
  expect(found.get(check)).toMatchObject({
    state: "failed",
    detail: expect.stringMatching(reason),
  });
});

test.each([
  [
    "Inngest",
    { INNGEST_EVENT_KEY: "short", INNGEST_SIGNING_KEY: SECRET },
    /EVENT_KEY.*SIGNING_KEY/,
  ],
  ["Inngest", { NODE_ENV: "production", INNGEST_DEV: "1" }, /INNGEST_DEV is set in production/],
  ["login", { NODE_ENV: "production", LOCAL_AUTH_SECRET: SECRET.repeat(2) }, /Nobody can log in/],
  ["blobs", { BLOB_DIR: "/somewhere", VERCEL_ENV: "preview" }, /no directory is kept/],
  ["blobs", { BLOB_DIR: "/dev/null/blobs" }, /ENOTDIR/],
  ["audit key", { AUDIT_SIGNING_KEY: SECRET }, /Not a key/],
  ["Upstash API", { UPSTASH_API_KEY: SECRET }, /UPSTASH_EMAIL is not set/],
  ["sandbox", { SANDBOX: "vercel", VERCEL_TOKEN: SECRET }, /VERCEL_TEAM_ID, VERCEL_PROJECT_ID/],
])("%s: what the environment itself gets wrong is said", async (check, environment, reason) => {
  Object.assign(process.env, environment);
  const found = await findings();
  expect(found.get(check)).toMatchObject({
    state: "failed",
    detail: expect.stringMatching(reason),
  });
});

test("every malformed variable is named at once, and no value", async () => {
  Object.assign(process.env, {
    DATABASE_URL: `mysql://root:${SECRET}@host/x`,
    SANDBOX: `docker-${SECRET}`,
    MODEL_TIMEOUT_SECONDS: `${SECRET}`,
    APPROVAL_EDGE_SECRET: SECRET,
  });
  const found = await findings();
  expect([...found.keys()]).toEqual(["environment"]);
  const { state, detail } = found.get("environment") ?? {};
  expect(state).toBe("failed");
  for (const name of ["DATABASE_URL", "SANDBOX", "MODEL_TIMEOUT_SECONDS", "APPROVAL_EDGE_SECRET"]) {
    expect(detail).toContain(name);
  }
});

test("a database that is behind the code, ahead of it or empty is told apart from one that fits", async () => {
  expect((await findings()).get("Postgres")).toMatchObject({ state: "ok" });
  const noted = sql`drizzle.__drizzle_migrations`;
  await db().execute(sql`insert into ${noted} (hash, created_at) values ('later', 9999999999999)`);
  expect((await findings()).get("Postgres")?.detail).toContain("newer than this code");
  const newestTwo = sql`select id from ${noted} order by created_at desc limit 2`;
  await db().execute(sql`delete from ${noted} where id in (${newestTwo})`);
  expect((await findings()).get("Postgres")).toMatchObject({
    state: "failed",
    detail: expect.stringContaining("lacks 1 migrations"),
    remedy: expect.stringContaining("npm run db:migrate"),
  });
  await db().execute(sql`drop schema drizzle cascade`);
  expect((await findings()).get("Postgres")?.detail).toContain("from 0000_extensions on");
});
