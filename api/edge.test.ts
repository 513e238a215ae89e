import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { insertChunks } from "#lib/data/chunks.server.ts";
import { namespaces, upsertTexts } from "#lib/upstash/vector.ts";
import { limits } from "#local/inngest/limits.ts";
import { type Call, startTestApi, type TestApi } from "../test/servers/api.ts";

let api: TestApi;
let projectId: string;

beforeAll(async () => {
  api = await startTestApi();
  const json = { name: "Edge", slug: "edge" };
  projectId = (await api.call("POST", "/api/projects", { as: "ann", json })).json.id;
});
afterAll(() => api.close());

const json = (value: unknown): Omit<Call, "as"> => ({ json: value });
const text = (body: string, type = "application/json"): Omit<Call, "as"> => ({
  body,
  headers: { "content-type": type },
});
/** A secret that has the form of a slug. */
const SLACK = `xoxb-2048-1024-${"a1b2".repeat(6)}`;
const good = { name: "A", slug: "a" };
const hash = { intentHash: "0".repeat(64) };
const search = (query: string) => `/api/search?projectId=PROJECT&${query}`;
const cursor = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

describe("bad input", () => {
  it.each<[string, string, number, string, Omit<Call, "as">?]>([
    ["POST", "/api/projects", 400, "malformed_body", text("{")],
    ["POST", "/api/projects", 400, "malformed_body", text("")],
    ["POST", "/api/projects", 415, "unsupported_media_type", text("name=a", "text/plain")],
    ["POST", "/api/projects", 422, "invalid_json", json([])],
    ["POST", "/api/projects", 422, "invalid_json", json({ name: "A" })],
    ["POST", "/api/projects", 422, "invalid_json", json({ ...good, ownerUserId: "bob" })],
    ["POST", "/api/projects", 422, "invalid_json", json({ ...good, name: "  " })],
    ["POST", "/api/projects", 422, "invalid_json", json({ ...good, name: "a\0b" })],
    ["POST", "/api/projects", 422, "invalid_json", json({ ...good, name: "x".repeat(256) })],
    ["POST", "/api/projects", 422, "invalid_json", json({ ...good, slug: "No Slug" })],
    ["POST", "/api/projects", 422, "invalid_json", json({ ...good, slug: SLACK })],
    ["POST", "/api/projects", 409, "slug_taken", json({ ...good, slug: "edge" })],
    ["POST", "/api/projects", 413, "too_large", json({ ...good, name: "x".repeat(1024 * 1024) })],
    ["GET", "/api/projects?limit=0", 422, "invalid_query"],
    ["GET", "/api/projects?limit=101", 422, "invalid_query"],
    ["GET", "/api/projects?limit=x", 422, "invalid_query"],
    ["GET", "/api/projects?cursor=nonsense", 422, "cursor"],
    ["GET", `/api/projects?cursor=${cursor(["2026-01-01T00:00:00Z", "a\0b"])}`, 422, "cursor"],
    ["GET", `/api/projects?cursor=${cursor(["0000-01-01T00:00:00Z", "a"])}`, 422, "cursor"],
    ["GET", `/api/projects?cursor=${"x".repeat(501)}`, 422, "invalid_query"],
    ["GET", "/api/projects/a:b", 422, "invalid_param"],
    ["GET", "/api/projects/a%00b", 422, "invalid_param"],
    ["GET", "/api/projects/..%2F..", 422, "invalid_param"],
    ["GET", `/api/projects/${"x".repeat(129)}`, 422, "invalid_param"],
    ["GET", "/api/projects/%E0%A4%A", 422, "invalid_param"],
    ["GET", "/api/projects/PROJECT/files?limit=1.5", 422, "invalid_query"],
    ["GET", "/api/projects/PROJECT/files/a'b", 422, "invalid_param"],
    ["DELETE", "/api/projects/PROJECT/files/none", 404, "file_not_found"],
    ["DELETE", "/api/projects/none", 404, "project_not_found"],
    ["GET", "/api/search", 422, "invalid_query"],
    ["GET", search(""), 422, "invalid_query"],
    ["GET", search("q=%20"), 422, "invalid_query"],
    ["GET", search("q=a%00"), 422, "invalid_query"],
    ["GET", search(`q=${"x".repeat(1001)}`), 422, "invalid_query"],
    ["GET", search("q=a&topK=51"), 422, "invalid_query"],
    ["GET", search("q=a&topK=0"), 422, "invalid_query"],
    ["GET", search("q=a&types="), 422, "invalid_query"],
    ["GET", search("q=a&types=chunk,rows"), 422, "invalid_query"],
    ["GET", "/api/approvals?status=open", 422, "invalid_query"],
    ["GET", "/api/approvals/none", 404, "approval_not_found"],
    ["POST", "/api/approvals/none/grant", 422, "invalid_json", json({ intentHash: "x" })],
    ["POST", "/api/approvals/none/grant", 422, "invalid_json", json({ ...hash, by: "bob" })],
    ["POST", "/api/approvals/none/grant", 422, "invalid_json", json({ ...hash, edge: {} })],
    ["POST", "/api/approvals/none/deny", 404, "approval_not_found", json(hash)],
    ["POST", "/api/effects/none/resolve", 422, "invalid_json", json({ resolution: "forget" })],
    ["POST", "/api/effects/none/resolve", 404, "effect_not_found", json({ resolution: "adopt" })],
    ["GET", "/api/runs/none", 404, "run_not_found"],
    ["POST", "/api/runs/none/cancel", 422, "invalid_json", json({})],
    ["POST", "/api/runs/none/cancel", 404, "run_not_found", json({ reason: "none" })],
    [
      "POST",
      "/api/projects/PROJECT/runs",
      422,
      "run_input",
      json({ kind: "research", input: { artifacts: ["NOVEL"] } }),
    ],
    [
      "POST",
      "/api/projects/PROJECT/runs",
      422,
      "run_input",
      json({ kind: "implementation", input: {} }),
    ],
    ["POST", "/api/projects/PROJECT/runs", 422, "invalid_json", json({ kind: "other", input: {} })],
    [
      "PUT",
      "/api/projects/PROJECT/policy",
      422,
      "invalid_json",
      json({ default: { approvals: 0 } }),
    ],
    ["POST", "/api/projects/PROJECT/keys", 422, "public_key_invalid", json({ publicKey: "AAAA" })],
    ["DELETE", "/api/projects/PROJECT/keys/none", 422, "invalid_param"],
    ["DELETE", `/api/projects/PROJECT/keys/${"0".repeat(32)}`, 404, "key_not_found"],
    ["GET", "/api/nothing", 404, "route_not_found"],
    ["PATCH", "/api/projects", 404, "route_not_found"],
    ["GET", "/", 404, "route_not_found"],
  ])("%s %s is refused with %i %s", async (method, path, status, code, sent) => {
    const before = await api.snapshot();
    const answer = await api.call(method, path.replace("PROJECT", projectId), {
      as: "ann",
      ...sent,
    });
    expect(answer.json).toMatchObject({ type: "about:blank", status, code });
    expect(answer.status).toBe(status);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(answer.json.detail.length).toBeGreaterThan(10);
    expect(answer.json.requestId).toBe(answer.headers.get("x-request-id"));
    expect(answer.text).not.toMatch(/node_modules|at async|\.ts:/);
    expect(await api.snapshot()).toEqual(before);
  });

  it("says of an event that Inngest finds too large that it is, and not to send it again", async () => {
    const { eventBytes } = limits;
    // As in Inngest's cloud, whose plans allow less than one request of ours may have.
    Object.assign(limits, { eventBytes: 256 * 1024 });
    try {
      const files = [1, 2].map((n) => ({ path: `${n}.txt`, content: "word ".repeat(30_000) }));
      const input = {
        ...{ target: "repository", repository: "acme/buoy", title: "Large" },
        changes: { from: "files", files },
      };
      const sent = { as: "ann", json: { kind: "implementation", input } };
      const answer = await api.call("POST", `/api/projects/${projectId}/runs`, sent);
      expect(answer).toMatchObject({ status: 413, json: { code: "event_too_large" } });
      expect(answer.headers.get("retry-after")).toBeNull();
    } finally {
      Object.assign(limits, { eventBytes });
    }
  });

  it("repeats no secret that was sent", async () => {
    const key = `ghp_${"a1B2".repeat(9)}`;
    const json = { name: "n", slug: "s", [key]: 1 };
    const refused = await api.call("POST", "/api/projects", { as: "ann", json });
    expect(refused.json.detail).toContain("[redacted:github-token]");
    expect(refused.text).not.toContain(key);
    const path = `/api/${encodeURIComponent(`https://bob:${key.slice(4)}@example.com`)}`;
    expect((await api.call("GET", path)).text).not.toContain(key.slice(4));
  });

  it("names every wrong field", async () => {
    const call = { as: "ann", json: { name: "", slug: "Not a slug" } };
    const { json } = await api.call("POST", "/api/projects", call);
    expect(json.detail).toContain("name:");
    expect(json.detail).toContain("slug: lower-case words");
  });
});

describe("a list", () => {
  it("is read page by page to its end, without repeats or gaps while it grows", async () => {
    const path = `/api/projects/${projectId}/files`;
    const ids: string[] = [];
    for (const n of [1, 2, 3, 4, 5]) {
      const { json } = await api.call("POST", `${path}?name=${n}`, {
        as: "ann",
        body: `file ${n}`,
      });
      ids.unshift(json.id);
    }
    const seen: string[] = [];
    for (let cursor: string | null = ""; cursor !== null; ) {
      const query: string = cursor && `&cursor=${cursor}`;
      const page = await api.call("GET", `${path}?limit=2${query}`, { as: "ann" });
      seen.push(...page.json.items.map((file: { id: string }) => file.id));
      cursor = page.json.nextCursor;
      await api.call("POST", `${path}?name=new`, { as: "ann", body: `new ${seen.length}` });
    }
    expect(seen).toEqual(ids);
  });
});

describe("a request id", () => {
  it("is the client's when it is harmless, else ours", async () => {
    const ask = async (id: string) => {
      const headers = { "x-request-id": id };
      return (await api.call("GET", "/api/events/schema", { headers })).headers.get("x-request-id");
    };
    expect(await ask("mine-1")).toBe("mine-1");
    expect(await ask("not harmless: <b>")).toMatch(/^[0-9a-f-]{36}$/);
    expect(await ask(`ghp_${"a1B2".repeat(9)}`)).toMatch(/^[0-9a-f-]{36}$/);
  });
});

it("serves the catalogue to anybody", async () => {
  const { status, json } = await api.call("GET", "/api/events/schema");
  expect(status).toBe(200);
  expect(json["file.uploaded"]).toMatchObject({ direction: "inbound" });
});

it("describes itself in valid OpenAPI", async () => {
  const { status, json } = await api.call("GET", "/api/openapi.json");
  expect(status).toBe(200);
  expect(json.openapi).toBe("3.1.0");
  expect(json.components.securitySchemes.bearer.scheme).toBe("bearer");
  const upload = json.paths["/api/projects/{projectId}/files"].post;
  expect(Object.keys(upload.requestBody.content)).toEqual(["*/*", "multipart/form-data"]);
});

it("search finds what is there, however many vectors of what is not match better", async () => {
  const path = `/api/projects/${projectId}/files?name=basalt.txt`;
  const content = "basalt among other stones";
  const file = (await api.call("POST", path, { as: "ann", body: content })).json;
  const place = { pageStart: null, pageEnd: null, startOffset: 0, endOffset: content.length };
  const chunk = {
    id: "chunk-basalt",
    ordinal: 0,
    breadcrumbs: "",
    tokenCount: 4,
    ...place,
    content,
  };
  const of = { projectId, fileId: file.id };
  await insertChunks({ ...of, fileSha256: file.sha256, extractionVersion: 1, chunks: [chunk] });
  const gone = ["gone-1", "gone-2", "gone-3"].map((id) => ({ id, data: "basalt" }));
  await upsertTexts(
    namespaces.chunks(projectId),
    [...gone, { id: chunk.id, data: content }].map(({ id, data }) => {
      return {
        id,
        data,
        metadata: { ...of, type: "chunk", chunkId: id, pageStart: -1, pageEnd: -1 },
      };
    }),
  );
  const question = `/api/search?projectId=${projectId}&q=basalt&topK=1&types=chunk`;
  const hits = async () => (await api.call("GET", question, { as: "ann" })).json.hits;
  await expect.poll(hits).toEqual([expect.objectContaining({ chunkId: chunk.id })]);
});

describe("when the vector store is away", () => {
  it("health says so, and search answers by words with a warning", async () => {
    expect((await api.call("GET", "/api/health")).json).toEqual({ status: "ok" });
    const file = await api.call("POST", `/api/projects/${projectId}/files?name=w.txt`, {
      as: "ann",
      body: "quartz",
    });
    const chunk = {
      id: "chunk-quartz",
      ordinal: 0,
      content: "quartz",
      breadcrumbs: "",
      tokenCount: 1,
      pageStart: null,
      pageEnd: null,
      startOffset: 0,
      endOffset: 6,
    };
    await insertChunks({
      projectId,
      fileId: file.json.id,
      fileSha256: file.json.sha256,
      extractionVersion: 1,
      chunks: [chunk],
    });
    await api.stopVectors();
    const path = `/api/search?projectId=${projectId}&q=quartz`;
    const { status, json } = await api.call("GET", path, { as: "ann" });
    expect(status).toBe(200);
    expect(json.warning).toContain("vector store");
    expect(json.hits).toEqual([expect.objectContaining({ chunkId: "chunk-quartz" })]);

    // A healthy answer may be a second old.
    await expect.poll(async () => (await api.call("GET", "/api/health")).status).toBe(503);
    const health = await api.call("GET", "/api/health");
    expect(health.json).toMatchObject({ code: "unhealthy", detail: "Not answering: vectors" });
  });
});
