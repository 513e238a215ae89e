import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join, relative } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { canonicalJson } from "#lib/canonical.ts";
import { INBOUND } from "#lib/events/catalogue.ts";
import { until } from "#local/client.ts";
import {
  canaries,
  environmentCanaries,
  filesIn,
  type Leak,
  packs,
  Search,
  without,
} from "./support/canaries.ts";
import { OWNER, type TestCloud, testCloud } from "./support/cloud.ts";
import { RunDesk } from "./support/runs.ts";

/**
 * Secrets of every shape come in through every door, and are nowhere afterwards. Three sets, so that it is known which
 * door let one through: `sent` in events, `asked` over HTTP, `answered` by the service that effects are made in.
 *
 * Two places are left out on purpose. What a sender puts into an event is kept by the engine as it was sent, and handed on
 * so to the functions that it wakes: the engine's store is searched without those copies (`without`). The ledger service
 * is somebody else's system, which was told the `answered` secrets to answer with them. A document's own text is its
 * owner's, and kept word for word for citations: no canary is put there.
 */
const inEnvironment = [1, 2, 3].map((n) => environmentCanaries(`CANARY_${n}`));
const [sent, asked, answered] = inEnvironment.map(({ canaries: known }) => [
  ...canaries(),
  ...known,
]) as [ReturnType<typeof canaries>, ReturnType<typeof canaries>, ReturnType<typeof canaries>];
/** Secrets of the app's own; some of their values are in files that only their owner reads. */
const OWN = ["LEDGER_TOKEN", "LOCAL_AUTH_SECRET", "APPROVAL_EDGE_SECRET", "AUDIT_SIGNING_KEY"];
const OWN_FILES = ["auth-secret", "approval-edge-secret", "audit-signing-key"];

const BY = { limit: 200 };
const NAME = { limit: 255 };
const NOTE = { limit: 4000, separator: "\n" };
const ENTRY = { limit: 1500, separator: "\n" };
/** The ledger's client keeps this much of an error. */
const ERROR = { limit: 440, separator: "\n" };

let world: TestCloud;
let desk: RunDesk;
let web: Server;
/** Every answer of the API: status, headers, body. */
const answers: string[] = [];
/** Ids of events whose functions are waited for. */
const waitFor: string[] = [];
/** Marks that are to be found in the database, since what they stand beside is kept there. */
const kept: string[] = [];
let rows: { table: string; text: string }[];

beforeAll(async () => {
  world = await testCloud({
    ownStores: true,
    env: Object.assign(
      { FILE_URL_HOSTS: "127.0.0.1", FETCH_ALLOW_LOOPBACK_HTTP: "1" },
      ...inEnvironment.map(({ env }) => env),
    ),
  });
  const client = await world.client();
  desk = new RunDesk(world, client);
  web = createServer((request, response) => {
    response.end(`A report on ${request.url?.split("?")[0]?.length} harmless things.`);
  });
  web.listen(0, "127.0.0.1");
  await once(web, "listening");
  await Promise.all(["canaries", "two", "automatic"].map((id) => desk.project(id)));
  await ask("PUT", "/api/projects/two/policy", {
    json: { default: { approvals: 2, approvers: [OWNER, "bob"] } },
  });
  await ask("PUT", "/api/projects/automatic/policy", { json: { default: { automatic: true } } });
  await Promise.all([byEvents(), byHttp(), byProvider()]);
  await client.runs(waitFor);
  await readBack();
  rows = await everyRow();
  // At rest: what they had in memory is in their files now.
  await world.cloud.parts.app.close();
  await world.cloud.parts.inngest?.close();
}, 240_000);
afterAll(async () => {
  web?.close();
  await world?.close();
});

async function send(name: string, data: object, id?: string): Promise<void> {
  waitFor.push(...(await desk.client.send({ name, data, ...(id && { id }) })));
}

interface Asked {
  readonly json?: unknown;
  readonly body?: string;
  readonly headers?: Record<string, string>;
}
// biome-ignore lint/suspicious/noExplicitAny: answers of many routes
type Answer = { status: number; json: any };

let authorization = "";
async function ask(method: string, path: string, request: Asked = {}): Promise<Answer> {
  const { json, body = json === undefined ? null : JSON.stringify(json), headers } = request;
  if (!authorization) {
    const { mintLocalToken } = await import("#lib/auth/local.ts");
    authorization = `Bearer ${await mintLocalToken(OWNER)}`;
  }
  const response = await fetch(`${world.cloud.appUrl}${path}`, {
    method,
    body,
    headers: { authorization, "content-type": "application/json", ...headers },
  });
  const text = await response.text();
  answers.push(`${method} ${response.status} ${JSON.stringify([...response.headers])} ${text}`);
  const isJson = response.headers.get("content-type")?.includes("json");
  return {
    status: response.status,
    json: isJson && !text.includes("\n") ? JSON.parse(text) : null,
  };
}

/** Names `texts` as kept, and gives them. */
function keeping(texts: { mark: string; text: string }[]): string[] {
  kept.push(...texts.map(({ mark }) => mark));
  return texts.map(({ text }) => text);
}

async function byEvents(): Promise<void> {
  await Promise.all([
    eventsOfProjects(),
    eventsOfFiles(),
    eventsOfRuns(),
    ...packs(sent, { mark: "resolved", limit: 4000, separator: "\n" }).map((note, n) =>
      eventsOfUnknown(note, n),
    ),
    badEvents(),
  ]);
}

async function eventsOfProjects(): Promise<void> {
  for (const [n, name] of keeping(packs(sent, { mark: "project", ...NAME })).entries()) {
    await send("project.created", {
      projectId: `sent-${n}`,
      name,
      slug: `sent-${n}`,
      owner: OWNER,
    });
  }
}

async function eventsOfFiles(): Promise<void> {
  const links = packs(sent, { mark: "link", limit: 400 });
  const url = (n: number) => {
    const token = encodeURIComponent(links[n % links.length]?.text ?? "");
    return `http://127.0.0.1:${(web.address() as AddressInfo).port}/${"x".repeat(n % 3)}?access_token=${token}`;
  };
  for (const [n, name] of keeping(packs(sent, { mark: "file", ...NAME })).entries()) {
    await send("file.uploaded", { projectId: "canaries", name, url: url(n) });
  }
  for (const { what, written } of sent) {
    if (!written.startsWith("https://")) continue;
    await send("file.uploaded", { projectId: "canaries", name: what, url: written });
  }
}

async function eventsOfRuns(): Promise<void> {
  const projectId = "canaries";
  const values = keeping(packs(sent, { mark: "value", ...ENTRY }));
  const names = keeping(packs(sent, { mark: "name", ...BY }));
  const entries = names.map((name, n) => ({ name, value: values[n % values.length] ?? "" }));
  const big = await desk.ask("two", "sent", entries);
  const settle = async (mark: string, by: (runId: string, note: string) => Promise<void>) => {
    for (const note of keeping(packs(sent, { mark, ...NOTE }))) {
      const runId = await desk.ask(projectId, mark, [{ name: "n", value: "v" }]);
      await desk.approval(runId);
      await by(runId, note);
    }
  };
  const approval = await desk.approval(big);
  for (const by of keeping(packs(sent, { mark: "refused", ...BY }))) {
    await desk.decide("denied", approval, { by });
  }
  const [note, other] = keeping(packs(sent, { mark: "granted", ...NOTE }));
  await desk.decide("granted", approval, { note });
  await desk.decide("granted", approval, { note: other, by: "bob" });
  await Promise.all([
    settle("denied", async (runId, said) => {
      await desk.decide("denied", await desk.approval(runId), { note: said });
      await desk.reached(runId, "failed", 60);
    }),
    settle("canceled", async (runId, reason) => {
      await send("run.cancel.requested", { projectId, runId, by: OWNER, reason });
      await desk.reached(runId, "canceled", 60);
    }),
    desk.reached(big, "succeeded", 90),
  ]);
}

async function unknownEffect(book: string): Promise<string> {
  const runId = await desk.ask("automatic", book, [{ kind: "note", name: "n", value: "v" }]);
  await desk.ledger("PUT", "/_faults", { book, fault: "hang", times: 1, ms: 4000 });
  await desk.reached(runId, "waiting_external", 90);
  return (await desk.effects(runId))[0]?.id ?? "";
}

async function eventsOfUnknown(note: { mark: string; text: string }, n: number): Promise<void> {
  const effectId = await unknownEffect(`unknown-${n}`);
  const data = { projectId: "automatic", effectId, resolution: "adopt" };
  const strangers = n === 0 ? keeping(packs(sent, { mark: "stranger", ...BY })) : [];
  const refusals = strangers.map((by) => ({ name: "effect.resolved", data: { ...data, by } }));
  // Judged before it is resolved: afterwards they are only too late.
  if (refusals.length > 0) await desk.client.runs(await desk.client.send(...refusals));
  const [link] = packs(sent, { mark: "url", limit: 800 }).slice(n);
  const externalUrl = `https://example.com/o?token=${encodeURIComponent(link?.text ?? "")}`;
  const honest = { ...data, by: OWNER, externalId: "obj_made_by_hand" };
  await send("effect.resolved", { ...honest, externalId: sent[0]?.written });
  await send("effect.resolved", { ...honest, externalUrl });
  keeping([note]);
  await send("effect.resolved", { ...honest, note: note.text });
  await until("resolution", async () =>
    rowsContain(
      (
        await world.database.execute(
          sql`select t::text as text from effects t where id = ${effectId} and status = 'confirmed'`,
        )
      ).rows,
    ),
  );
}

const rowsContain = (found: readonly unknown[]) => found.length > 0;

/** What no schema takes: refused, and the refusal is written down too. */
async function badEvents(): Promise<void> {
  const key = sent[0]?.written ?? "";
  const input = { target: "ledger", book: "bad", entries: [{ name: "n", value: "v" }] };
  const run = { projectId: "canaries", kind: "implementation", input, requestedBy: "ci" };
  await send("run.requested", { ...run, [key]: 1 });
  await send("run.requested", { ...run, mode: key });
  await send("run.requested", { ...run, runId: key });
  await send("run.requested", { ...run, input: { ...input, [key]: key } });
  await send("run.requested", { ...run, input: { target: key } });
  await send("run.requested", { ...run, mode: "plan" }, key);
  await send("project.created", { projectId: "bad", name: "n", slug: "bad", owner: key });
  await send("project.created", { projectId: key, name: "n", slug: "bad", owner: OWNER });
  await send("file.uploaded", { projectId: "canaries", fileId: key });
  const decision = { projectId: "canaries", intentHash: "0".repeat(64), by: OWNER };
  await send("approval.granted", { ...decision, approvalId: key });
  await send("approval.granted", { ...decision, approvalId: "none" }, `${key}x`);
  await send("effect.resolved", {
    projectId: "canaries",
    effectId: key,
    resolution: "abandon",
    by: key,
  });
}

async function byHttp(): Promise<void> {
  const key = asked[0]?.written ?? "";
  for (const [n, name] of keeping(packs(asked, { mark: "http-project", ...NAME })).entries()) {
    const { status } = await ask("POST", "/api/projects", { json: { name, slug: `asked-${n}` } });
    expect(status).toBe(201);
  }
  for (const [n, name] of keeping(packs(asked, { mark: "http-file", ...NAME })).entries()) {
    const inHeader = n % 2 === 0;
    const query = inHeader ? "" : `?${new URLSearchParams({ name })}`;
    const { status } = await ask("POST", `/api/projects/canaries/files${query}`, {
      body: `A report on ${n % 3} more harmless things.`,
      headers: {
        "content-type": "text/plain",
        ...(inHeader && { "x-file-name": encodeURIComponent(name) }),
      },
    });
    expect([200, 201]).toContain(status);
  }
  for (const { text } of packs(asked, { mark: "search", limit: 1000, separator: "\n" })) {
    const query = new URLSearchParams({ projectId: "canaries", q: text });
    expect((await ask("GET", `/api/search?${query}`)).status).toBe(200);
  }
  for (const { written } of asked) {
    if (written.includes("\n")) continue;
    const headers = { "x-request-id": written, "user-agent": written, cookie: `sid=${written}` };
    const path = `/api/${encodeURIComponent(written)}`;
    expect((await ask("GET", path, { headers })).status).toBe(404);
  }
  for (const { text } of packs(asked, { mark: "token", limit: 1000 })) {
    const headers = { authorization: `Bearer ${text}` };
    expect((await ask("GET", "/api/projects", { headers })).status).toBe(401);
  }
  const bad = [
    ["POST", "/api/projects", { name: "n", slug: "s", [key]: 1 }],
    ["POST", "/api/projects", { name: "n", slug: key }],
    ["PUT", "/api/projects/canaries/policy", { default: { approvers: [key] } }],
    ["PUT", "/api/projects/canaries/policy", { scopes: { [key]: {} } }],
    ["POST", "/api/projects/canaries/keys", { publicKey: key, owner: key }],
    ["POST", "/api/projects/canaries/runs", { kind: key, input: {} }],
    ["POST", "/api/projects/canaries/runs", { kind: "implementation", input: { [key]: key } }],
    ["POST", "/api/projects/canaries/runs", { kind: "research", input: {}, runId: key }],
  ] as const;
  for (const [method, path, json] of bad) {
    const { status, json: answer } = await ask(method, path, { json });
    expect([status, answer.code]).toEqual([422, expect.any(String)]);
  }
  expect((await ask("POST", "/api/projects", { body: `{"name": ${key}` })).status).toBe(400);
  await Promise.all([runsByHttp(), unknownByHttp()]);
}

async function runsByHttp(): Promise<void> {
  const path = "/api/projects/canaries/runs";
  const values = keeping(packs(asked, { mark: "http-value", ...ENTRY }));
  const names = keeping(packs(asked, { mark: "http-name", ...BY }));
  for (const verb of ["grant", "deny"] as const) {
    for (const [n, note] of keeping(packs(asked, { mark: `http-${verb}`, ...NOTE })).entries()) {
      const all = names.map((name, i) => ({ name, value: values[i % values.length] }));
      const entries = verb === "grant" && n === 0 ? all : [{ name: "n", value: "v" }];
      const input = { target: "ledger", book: `asked-${n}`, entries };
      const { json } = await ask("POST", path, { json: { kind: "implementation", input } });
      const { id, intentHash } = await desk.approval(json.runId);
      const decision = { json: { intentHash, note } };
      expect((await ask("POST", `/api/approvals/${id}/${verb}`, decision)).status).toBe(202);
      await desk.reached(json.runId, verb === "grant" ? "succeeded" : "failed", 90);
    }
  }
  for (const reason of keeping(packs(asked, { mark: "http-cancel", ...NOTE }))) {
    const input = { target: "ledger", book: "stop", entries: [{ name: "n", value: "v" }] };
    const { json } = await ask("POST", path, { json: { kind: "implementation", input } });
    await desk.approval(json.runId);
    await ask("POST", `/api/runs/${json.runId}/cancel`, { json: { reason } });
    await desk.reached(json.runId, "canceled", 60);
  }
}

async function unknownByHttp(): Promise<void> {
  const effectId = await unknownEffect("unknown-http");
  const [note] = keeping(packs(asked, { mark: "http-resolve", ...NOTE }).slice(0, 1));
  const externalId = "obj_made_by_hand";
  const path = `/api/effects/${effectId}/resolve`;
  const externalUrl = `https://bob:${asked[0]?.written}@example.com/`;
  const json = { resolution: "adopt", note, externalId };
  for (const secret of [{ externalId: asked[0]?.written }, { externalUrl }]) {
    expect((await ask("POST", path, { json: { ...json, ...secret } })).status).toBe(422);
  }
  expect((await ask("POST", path, { json })).status).toBe(202);
  await until("resolution", async () =>
    rowsContain(
      (
        await world.database.execute(
          sql`select 1 from effects where id = ${effectId} and status = 'confirmed'`,
        )
      ).rows,
    ),
  );
}

/** What the ledger service says: refusals and failures that repeat what they were given, ids and addresses with tokens. */
async function byProvider(): Promise<void> {
  const requesters = keeping(packs(sent, { mark: "requester", ...BY }));
  const run = (book: string) =>
    desk.ask("automatic", book, [{ name: "n", value: "v" }], {
      requestedBy: requesters.pop() ?? "ci",
    });
  const tell = (book: string, body: string, more: object) =>
    desk.ledger("PUT", "/_faults", { book, fault: "echo", body, ...more });
  const each = (mark: string, then: (book: string, text: string) => Promise<unknown>) =>
    Promise.all(
      packs(answered, { mark, ...ERROR }).map(async (pack, n) => {
        await then(`${mark}-${n}`, pack.text);
        return pack;
      }),
    );
  const fails = async (book: string, body: string, more: object = {}) => {
    // Every time: a slow answer is let go at its deadline, and asked for again.
    await tell(book, body, { status: 403, times: 100, ...more });
    await desk.reached(await run(book), "failed", 90);
  };
  const [long] = packs(answered, { mark: "long", limit: 9000, separator: "\n" });
  const [read, refusal, made] = await Promise.all([
    each("read", (book, text) => fails(book, text, { on: "read" })),
    each("refusal", fails),
    // First it fails, which is a retry with an error, then it says that it has made something.
    each("object", async (book, text) => {
      await tell(book, text, { status: 500, times: 1 });
      const url = `https://example.com/o?sig=${encodeURIComponent(text)}`;
      await tell(book, JSON.stringify({ id: text, url }), { status: 201, times: 20 });
      await desk.reached(await run(book), "succeeded", 90);
    }),
    fails("long", long?.text ?? ""),
  ]);
  keeping([...read, ...refusal, ...made, ...(long ? [long] : [])]);
  expect(requesters).toEqual([]);
}

/** Everything that the API shows of it. */
async function readBack(): Promise<void> {
  const lists = ["files", "runs", "effects", "audit", "policy", "keys"];
  for (const id of ["canaries", "two", "automatic"]) {
    for (const list of lists)
      await ask(
        "GET",
        `/api/projects/${id}/${list}?limit=100`.replace(/(audit|policy|keys)\?.*/, "$1"),
      );
    const { json } = await ask("GET", `/api/projects/${id}/runs?limit=100`);
    for (const run of json.items) await ask("GET", `/api/runs/${run.id}`);
  }
  await ask("GET", "/api/projects?limit=100");
  const { json } = await ask("GET", "/api/approvals?limit=100");
  for (const { id } of json.items) await ask("GET", `/api/approvals/${id}`);
  await ask("GET", "/api/search?projectId=canaries&q=report");
}

/** Each row of each table, all its columns as text. */
async function everyRow(): Promise<{ table: string; text: string }[]> {
  const tables = await world.database.execute(
    sql`select table_schema || '.' || table_name as name from information_schema.tables
        where table_schema not in ('pg_catalog', 'information_schema') and table_type = 'BASE TABLE'`,
  );
  const all = tables.rows.map(async ({ name }) => {
    const found = await world.database.execute(
      sql`select to_jsonb(t)::text as text from ${sql.raw(String(name))} t`,
    );
    return found.rows.map(({ text }) => ({ table: String(name), text: String(text) }));
  });
  return (await Promise.all(all)).flat();
}

const all = () => new Search([...sent, ...asked, ...answered, ...own()]);
const own = () =>
  OWN.map((what) => ({ what, written: "", needles: [world.cloud.env[what] ?? ""] }));
const root = () => dirname(world.cloud.env.BLOB_DIR ?? "");

/** One line a leak, the same leak once. */
function told(leaks: readonly Leak[]): string[] {
  return [
    ...new Set(
      leaks.map(({ place, what, around }) => `${place}: ${what}: ${around.slice(60, 160)}`),
    ),
  ];
}

test("the search finds what there is to find", () => {
  const search = all();
  for (const canary of [...sent, ...asked, ...answered]) {
    const found = search.in("here", `x${canary.written}y`).map(({ what }) => what);
    expect(found, canary.written).toContain(canary.what);
    expect(search.in("here", Buffer.from(`ab${canary.written}`).toString("base64"))).not.toEqual(
      [],
    );
  }
  expect(sent.length).toBeGreaterThanOrEqual(40);
});

test("what stood beside the secrets was kept", () => {
  const text = rows.map((row) => row.text).join("\n");
  expect(kept.length).toBeGreaterThan(100);
  expect(kept.filter((mark) => !text.includes(mark))).toEqual([]);
  expect(text.match(/\[redacted:/g)?.length).toBeGreaterThan(1000);
});

test("no row of PostgreSQL has one", () => {
  const tables = new Set(rows.map(({ table }) => table));
  for (const name of [
    "projects",
    "project_files",
    "runs",
    "run_steps",
    "effects",
    "approvals",
    "approval_decisions",
    "audit_entries",
    "artifacts",
    "project_policies",
    "file_chunks",
  ]) {
    expect(tables).toContain(`public.${name}`);
  }
  const search = all();
  expect(told(rows.flatMap(({ table, text }) => search.in(table, text)))).toEqual([]);
});

test("no file has one: PostgreSQL's pages and log, blobs, vectors, what is left of temporary files", async () => {
  const search = all();
  const seen: string[] = [];
  const leaks: Leak[] = [];
  const strangers = new Search([...asked, ...answered, ...own()]);
  for await (const { path, bytes } of filesIn(root())) {
    const name = relative(root(), path);
    // The other system, which was told them, and the files that the app's own secrets are kept in.
    if (name.startsWith("ledger/") || OWN_FILES.includes(name)) continue;
    seen.push(name);
    leaks.push(...(name.startsWith("inngest/") ? strangers : search).in(name, bytes));
  }
  expect(seen.filter((name) => name.startsWith("blobs/")).length).toBeGreaterThan(3);
  for (const part of ["neon/", "inngest/engine.db", "upstash-vector/index.db"]) {
    expect(
      seen.some((name) => name.startsWith(part)),
      part,
    ).toBe(true);
  }
  expect(told(leaks)).toEqual([]);
});

test("the engine has none but in the events as they were sent", () => {
  const engine = new DatabaseSync(join(root(), "inngest/engine.db"), { readOnly: true });
  const search = all();
  const events = engine.prepare("select external_id, name, body from events").all();
  const inbound = new Set<string>(INBOUND.map((type) => type.name));
  const given = new Set<string>();
  /** A sender may choose an event's id, too. */
  const ids: string[] = [];
  for (const { external_id: id, name, body } of events) {
    // Ours have an id made of their name and content.
    if (!inbound.has(String(name)) || /^[a-z.]+:[0-9a-f]{40}$/.test(String(id))) continue;
    const event = JSON.parse(String(body));
    given.add(canonicalJson(event)).add(canonicalJson(event.data));
    if (all().in("id", String(id)).length > 0) ids.push(String(id));
  }
  const bodies = events.map(({ body }) => String(body)).join("\n");
  const entered = new Set(new Search(sent).in("events", bodies).map(({ what }) => what));
  expect(sent.filter(({ what }) => !entered.has(what))).toEqual([]);

  const leaks: Leak[] = [];
  let cells = 0;
  const tables = engine.prepare("select name from sqlite_schema where type = 'table'").all();
  for (const { name } of tables) {
    for (const row of engine.prepare(`select * from "${name}"`).all()) {
      for (const [column, value] of Object.entries(row)) {
        if (typeof value !== "string") continue;
        cells++;
        const ours = ids.reduce((text, id) => text.replaceAll(id, ""), without(value, given));
        leaks.push(...search.in(`${name}.${column}`, ours));
      }
    }
  }
  engine.close();
  expect(cells).toBeGreaterThan(1000);
  expect(told(leaks)).toEqual([]);
});

test("no line of a log has one", () => {
  const search = all();
  expect(world.lines.length).toBeGreaterThan(100);
  expect(world.lines.some((line) => line.includes("step failed"))).toBe(true);
  expect(told(world.lines.flatMap((line) => search.in("log", line)))).toEqual([]);
});

test("no answer of the API has one, the audit export too", () => {
  const search = all();
  expect(answers.length).toBeGreaterThan(150);
  expect(answers.some((text) => text.includes('"end"') && text.includes("approval.decision"))).toBe(
    true,
  );
  expect(told(answers.flatMap((text) => search.in("answer", text)))).toEqual([]);
});
