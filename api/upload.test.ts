import { createHash } from "node:crypto";
import { once } from "node:events";
import { request } from "node:http";
import { type AddressInfo, connect, createServer } from "node:net";
import { eq } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { closeDb, db } from "#db/client.ts";
import { fileRemovals } from "#db/schema.ts";
import { mintLocalToken } from "#lib/auth/local.ts";
import { blobStore } from "#lib/blob/blob.ts";
import { MAX_FILE_BYTES } from "#lib/ingest/document.ts";
import { purgeFile } from "#lib/ingest/finish.ts";
import { sourceKey } from "#lib/ingest/keys.ts";
import { type Body, bytes, startTestApi, type TestApi } from "../test/servers/api.ts";
import { setEnv } from "../test/support/environment.ts";

let api: TestApi;
let projectId: string;
let path: string;
let made = 0;

beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  made += 1;
  const json = { name: "Uploads", slug: `uploads-${made}` };
  projectId = (await api.call("POST", "/api/projects", { as: "ann", json })).json.id;
  path = `/api/projects/${projectId}/files`;
});

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const form = (...files: [content: string, name: string, type?: string][]) => {
  const data = new FormData();
  data.set("note", "before");
  for (const [content, name, type = ""] of files) {
    data.append("file", new File([content], name, { type }));
  }
  return data;
};

describe("an upload", () => {
  it.each<[string, () => { query: string; body: Body; headers?: Record<string, string> }]>([
    [
      "as the body",
      () => ({
        query: `?name=${encodeURIComponent("報告 1.md")}`,
        body: "# hello",
        headers: { "content-type": "text/markdown; charset=utf-8" },
      }),
    ],
    [
      "as the body with its name in a header",
      () => ({
        query: "",
        body: "# hello",
        headers: {
          "content-type": "text/markdown",
          "x-file-name": encodeURIComponent("報告 1.md"),
        },
      }),
    ],
    ["as a form", () => ({ query: "", body: form(["# hello", "報告 1.md", "text/markdown"]) })],
  ])("%s is stored, registered and announced", async (_, make) => {
    const { query, ...sent } = make();
    const { status, headers, json } = await api.call("POST", path + query, { as: "ann", ...sent });
    expect({ status, json }).toEqual({
      status: 201,
      json: expect.objectContaining({
        projectId,
        name: "報告 1.md",
        mimeType: "text/markdown",
        sizeBytes: 7,
        sha256: sha256("# hello"),
        status: "uploaded",
      }),
    });
    expect(json).not.toHaveProperty("blobRef");
    expect(headers.get("location")).toBe(`${path}/${json.id}`);
    expect(await blobStore().head(sourceKey(projectId, json.id))).toEqual({ size: 7 });
    expect(await api.accepted("file.uploaded", { projectId, fileId: json.id })).toBe(true);
    expect((await api.call("GET", `${path}/${json.id}`, { as: "ann" })).json).toEqual(json);
  });

  it("of the same bytes under another name is the same file and stores nothing more", async () => {
    const first = await api.call("POST", `${path}?name=a.txt`, { as: "ann", body: "same" });
    const blobs = (await api.snapshot()).blobs;
    const again = await api.call("POST", path, { as: "ann", body: form(["same", "b.txt"]) });
    expect([first.status, again.status]).toEqual([201, 200]);
    expect(again.json).toMatchObject({ id: first.json.id, name: "a.txt", aliases: ["b.txt"] });
    const after = (await api.snapshot()).blobs;
    expect(after.filter((blob) => blob.endsWith("/source"))).toEqual(
      blobs.filter((blob) => blob.endsWith("/source")),
    );
  });

  it("is there with its bytes when the answer to its commit was lost", async () => {
    const relay = process.env.NEON_WS_PROXY;
    const [host = "", port = ""] = (relay?.split("/")[0] ?? "").split(":");
    let lost = 0;
    const proxy = createServer((client) => {
      const server = connect(Number(port), host);
      for (const [one, other] of [
        [client, server],
        [server, client],
      ] as const) {
        one.on("error", () => other.destroy());
        one.on("close", () => other.destroy());
      }
      client.pipe(server);
      server.on("data", (bytes) => {
        if (!bytes.includes("COMMIT")) return client.write(bytes);
        lost++;
        return client.destroy();
      });
    }).listen(0, "127.0.0.1");
    await once(proxy, "listening");
    await closeDb();
    const below = relay?.slice(relay.indexOf("/")) ?? "";
    await setEnv({ NEON_WS_PROXY: `127.0.0.1:${(proxy.address() as AddressInfo).port}${below}` });
    try {
      const answer = await api.call("POST", `${path}?name=a.txt`, { as: "ann", body: "lost" });
      expect([answer.status, lost]).toEqual([201, 1]);
      expect(await blobStore().head(sourceKey(projectId, answer.json.id))).toEqual({ size: 4 });
    } finally {
      await closeDb();
      await setEnv({ NEON_WS_PROXY: relay });
      proxy.close();
    }
  });

  it("gives a file its bytes back that has lost them", async () => {
    const first = await api.call("POST", `${path}?name=a.txt`, { as: "ann", body: "twice" });
    const key = sourceKey(projectId, first.json.id);
    await blobStore().delete(key);
    const again = await api.call("POST", `${path}?name=a.txt`, { as: "ann", body: "twice" });
    expect([again.status, again.json.id]).toEqual([200, first.json.id]);
    expect(await blobStore().head(key)).toEqual({ size: 5 });
  });

  it("by many at once of the same bytes is one file with its bytes", async () => {
    const body = "at once";
    const calls = Array.from({ length: 8 }, (_, n) =>
      api.call("POST", `${path}?name=${n}.txt`, { as: "ann", body }),
    );
    const answers = await Promise.all(calls);
    expect(answers.map(({ status }) => status).sort()).toEqual([...Array(7).fill(200), 201]);
    const ids = new Set(answers.map(({ json }) => json.id));
    expect(ids.size).toBe(1);
    const [id] = ids;
    expect(await blobStore().head(sourceKey(projectId, id))).toEqual({ size: 7 });
  });

  it.each<
    [
      string,
      number,
      string,
      () => Promise<{ query?: string; body?: Body; headers?: Record<string, string> }>,
    ]
  >([
    ["0 bytes", 422, "empty", async () => ({ query: "?name=a", body: "" })],
    ["no body", 422, "empty", async () => ({ query: "?name=a" })],
    ["a form with an empty file", 422, "empty", async () => ({ body: form(["", "a.txt"]) })],
    ["no name", 422, "name_missing", async () => ({ body: "x" })],
    ["a blank name", 422, "invalid_query", async () => ({ query: "?name=%20", body: "x" })],
    ["a name with NUL", 422, "invalid_query", async () => ({ query: "?name=a%00b", body: "x" })],
    [
      "a long name",
      422,
      "invalid_query",
      async () => ({ query: `?name=${"x".repeat(256)}`, body: "x" }),
    ],
    [
      "a name in a header that is not encoded well",
      422,
      "name_invalid",
      async () => ({ body: "x", headers: { "x-file-name": "%zz" } }),
    ],
    [
      "a form whose file has a bad name",
      422,
      "name_invalid",
      async () => ({ body: form(["x", " "]) }),
    ],
    ["a form without a file", 422, "file_missing", async () => ({ body: form() })],
    [
      "a form with two files",
      422,
      "several_files",
      async () => ({ body: form(["1", "a"], ["2", "b"]) }),
    ],
    [
      "a form that is cut off",
      422,
      "malformed_form",
      async () => ({
        body: '--XX\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\nhalf',
        headers: { "content-type": "multipart/form-data; boundary=XX" },
      }),
    ],
    [
      "a form without its boundary",
      422,
      "malformed_form",
      async () => ({ body: "x", headers: { "content-type": "multipart/form-data" } }),
    ],
    [
      "more bytes than allowed, without saying so",
      413,
      "too_large",
      async () => ({ query: "?name=a", body: bytes(MAX_FILE_BYTES + 1) }),
    ],
  ])(
    "with %s is refused with %i and leaves nothing",
    async (_, status, code, make) => {
      const before = await api.snapshot();
      const { query = "", ...sent } = await make();
      const answer = await api.call("POST", path + query, { as: "ann", ...sent });
      expect(answer).toMatchObject({ status, json: { status, code } });
      expect(answer.headers.get("content-type")).toBe("application/problem+json");
      expect(await api.snapshot()).toEqual(before);
    },
    60_000,
  );

  it("that announces more than allowed is refused before its bytes are sent", async () => {
    const before = await api.snapshot();
    const sending = await open({ "content-length": String(MAX_FILE_BYTES + 1) });
    sending.write("x");
    const [answer] = await once(sending, "response");
    expect(answer.statusCode).toBe(413);
    answer.resume();
    sending.destroy();
    expect(await api.snapshot()).toEqual(before);
  });

  it.each([
    ["the body", "text/plain", "half of it"],
    [
      "a form",
      "multipart/form-data; boundary=XX",
      '--XX\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\nhalf of it',
    ],
  ])("whose client goes away in the middle of %s leaves nothing", async (_, type, half) => {
    const before = await api.snapshot();
    const spooled = async () => (await api.snapshot()).blobs.filter((b) => b.endsWith(".part"));
    const sending = await open({ "content-type": type, "transfer-encoding": "chunked" });
    sending.write(half);
    await expect.poll(spooled).toHaveLength(1);
    sending.destroy();
    await expect.poll(spooled).toHaveLength(0);
    expect(await api.snapshot()).toEqual(before);
  });
});

it("of bytes whose file was just removed is a new file", async () => {
  const { json: file } = await api.call("POST", `${path}?name=a`, { as: "ann", body: "again" });
  expect((await api.call("DELETE", `${path}/${file.id}`, { as: "ann" })).status).toBe(202);
  expect((await api.call("GET", `${path}/${file.id}`, { as: "ann" })).status).toBe(404);
  const again = await api.call("POST", `${path}?name=a`, { as: "ann", body: "again" });
  expect([again.status, again.json.id]).toEqual([201, expect.not.stringMatching(file.id)]);
  // As its event would, late: the new one stays.
  await purgeFile({ projectId, fileId: file.id });
  expect(await blobStore().head(sourceKey(projectId, again.json.id))).toEqual({ size: 5 });
});

it("stays accepted when the event server is away, and so does a removal", async () => {
  const { json: file } = await api.call("POST", `${path}?name=a`, { as: "ann", body: "later" });
  await api.stopInngest();
  const answer = await api.call("POST", `${path}?name=b`, { as: "ann", body: "not announced" });
  expect(answer).toMatchObject({ status: 201, json: { status: "uploaded" } });
  const removal = await api.call("DELETE", `${path}/${file.id}`, { as: "ann" });
  expect(removal.status).toBe(202);
  expect((await api.call("GET", `${path}/${file.id}`, { as: "ann" })).status).toBe(404);
  // What the sweeper finds it by.
  const trace = eq(fileRemovals.fileId, file.id);
  expect(await db().$count(fileRemovals, trace)).toBe(1);
});

/** An upload whose body the test writes by hand. */
async function open(headers: Record<string, string>) {
  const authorization = `Bearer ${await mintLocalToken("ann")}`;
  const sending = request(`${api.url}${path}?name=a.txt`, {
    method: "POST",
    headers: { authorization, ...headers },
  });
  // Broken off on purpose, or by the server that has seen enough.
  sending.on("error", () => {});
  sending.flushHeaders();
  return sending;
}
