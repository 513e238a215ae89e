import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { access, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { eq, sql } from "drizzle-orm";
import { unzipSync } from "fflate";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { closeDb, db } from "#db/client.ts";
import { artifacts, citations, fileChunks, projectFiles, projects, runs } from "#db/schema.ts";
import { BUNDLE_KIND } from "#lib/artifacts/kinds.ts";
import { mintLocalToken } from "#lib/auth/local.ts";
import { publishArtifact } from "#lib/data/artifacts.server.ts";
import { exportProject, placed } from "#lib/export/export.ts";
import { type ZipEntry, zipStream } from "#lib/export/zip.ts";
import { newId } from "#lib/ids.ts";
import { startTestApi, type TestApi } from "./servers/api.ts";
import { databaseUrl, execute } from "./setup/sql.ts";

const exec = promisify(execFile);
const ONCE = fileURLToPath(new URL("support/export-once.ts", import.meta.url));
const OWNER = "ann";

let api: TestApi;

beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const sha256 = (data: string | Uint8Array) => createHash("sha256").update(data).digest("hex");
const text = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString();

async function project(id: string): Promise<string> {
  await db().insert(projects).values({ id, ownerUserId: OWNER, name: id, slug: id });
  return id;
}

async function download(projectId: string): Promise<Response> {
  const authorization = `Bearer ${await mintLocalToken(OWNER)}`;
  return await fetch(`${api.url}/api/export/${projectId}`, { headers: { authorization } });
}

async function bytesOf(projectId: string): Promise<Uint8Array> {
  const response = await download(projectId);
  expect(response.status).toBe(200);
  return new Uint8Array(await response.arrayBuffer());
}

async function publish(projectId: string, kind: string, logicalKey: string, content: string) {
  return (await publishArtifact({ projectId, kind, logicalKey, content })).artifact;
}

const PLACE = {
  ...{ fileName: "buoy.md", fileSha256: "a".repeat(64), extractionVersion: 1 },
  ...{ chunkSha256: "b".repeat(64), startOffset: 0, endOffset: 5, pageStart: 3, pageEnd: 3 },
};

/** A project of all that an export has to keep: citations of a file, older versions, keys from outside. */
async function estate(projectId: string): Promise<{ fileId: string }> {
  await project(projectId);
  const fileId = newId("file");
  await db()
    .insert(projectFiles)
    .values({
      ...{ id: fileId, projectId, name: "buoy.md", mimeType: "text/markdown" },
      ...{ status: "uploaded", sha256: PLACE.fileSha256, sizeBytes: 5, blobRef: "x" },
    });
  await db()
    .insert(fileChunks)
    .values({
      ...{ id: `chunk-${projectId}`, projectId, fileId, fileSha256: PLACE.fileSha256, ordinal: 0 },
      ...{ extractionVersion: 1, content: "Chain", breadcrumbs: "", tokenCount: 1 },
      ...{ contentSha256: PLACE.chunkSha256, startOffset: 0, endOffset: 5 },
    });
  await publish(projectId, "PRD", "main", "# Old\n");
  const { id: artifactId } = await publish(
    projectId,
    "PRD",
    "main",
    "# Bojen \u00fcber \u65e5\u672c [1]\n",
  );
  const cited = { projectId, artifactId, fileId, chunkId: `chunk-${projectId}`, ...PLACE };
  await db()
    .insert(citations)
    .values([
      { ...cited, id: newId("citation"), ordinal: 2, quote: "\u0130stanbul" },
      { ...cited, id: newId("citation"), ordinal: 1, quote: "Chain" },
    ]);
  for (const key of HOSTILE) await publish(projectId, "PLAN", key, `# ${key}\n`);
  return { fileId };
}

const HOSTILE = [
  ...["run_1/ledger", "run_1/Ledger", "../../etc/passwd", "C:\\x", "con", "a.", ".a", "a\u0301"],
  ...["\u00e1", "k".repeat(300), "k".repeat(301), "i", "I", "\u0131", " ", "%2F", "/"],
];

interface Manifest {
  readonly format: number;
  readonly project: string;
  readonly artifacts: {
    path: string;
    sha256: string;
    kind: string;
    key: string;
    version: number;
    run: string | null;
    citations: { path: string; sha256: string; count: number } | null;
  }[];
}

test("what is in it is what was published, under names that every system takes, with hashes that hold", async () => {
  await estate("whole");
  const response = await download("whole");
  expect(response.headers.get("content-type")).toBe("application/zip");
  expect(response.headers.get("content-disposition")).toContain('filename="whole.zip"');
  const zip = new Uint8Array(await response.arrayBuffer());
  const files = unzipSync(zip);
  const paths = Object.keys(files);
  expect(paths).toEqual(paths.toSorted());
  expect(new Set(paths.map((path) => path.toLowerCase())).size).toBe(paths.length);
  for (const path of paths) {
    expect(path).toMatch(/^[\w%~-][\w%~.-]*(?:\/[\w%~-][\w%~.-]*)*$/);
    expect(path.length).toBeLessThan(180);
  }

  const manifest: Manifest = JSON.parse(text(files["manifest.json"]));
  expect(manifest).toMatchObject({ format: 1, project: "whole" });
  const inManifest = manifest.artifacts.flatMap((one) => [
    one.path,
    ...(one.citations ? [one.citations.path] : []),
  ]);
  expect([...inManifest, "manifest.json"].toSorted()).toEqual(paths);
  expect(manifest.artifacts.map(({ key }) => key).toSorted()).toEqual(
    [...HOSTILE, "main"].toSorted(),
  );
  for (const one of manifest.artifacts) {
    expect(sha256(files[one.path] ?? "")).toBe(one.sha256);
    if (one.kind === "PLAN") expect(text(files[one.path])).toBe(`# ${one.key}\n`);
  }
  const prd = manifest.artifacts.find(({ kind }) => kind === "PRD");
  expect(prd).toMatchObject({ path: "artifacts/PRD/main.md", version: 2, run: null });
  const cited = text(files["citations/PRD/main.json"]);
  expect(prd?.citations).toMatchObject({ count: 2, sha256: sha256(cited) });
  expect(JSON.parse(cited)).toEqual([
    { ...PLACE, ordinal: 1, quote: "Chain" },
    { ...PLACE, ordinal: 2, quote: "\u0130stanbul" },
  ]);
  await readByUnzip(zip);
});

/** Where the machine has another program that reads it, checksums included, that one has to agree. */
async function readByUnzip(zip: Uint8Array): Promise<void> {
  if (
    !(await access("/usr/bin/unzip").then(
      () => true,
      () => false,
    ))
  )
    return;
  const dir = await mkdtemp(join(tmpdir(), "export-"));
  try {
    await writeFile(join(dir, "a.zip"), zip);
    const { stdout } = await exec("/usr/bin/unzip", ["-t", join(dir, "a.zip")]);
    expect(stdout).toContain("No errors detected");
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

test("the same state is the same bytes: again, on a copy of the database, in other zones and languages", async () => {
  const { fileId } = await estate("same");
  const expected = sha256(await bytesOf("same"));
  expect(sha256(await bytesOf("same"))).toBe(expected);

  const server = inject("neon");
  const original = new URL(process.env.DATABASE_URL ?? "").pathname.slice(1);
  const copy = `${original}_copy`;
  // A database is copied only while nobody is connected to it.
  await closeDb();
  await execute(server, `create database ${copy} template ${original}`);
  try {
    const once = async (database: string, TZ: string, LANG: string) => {
      const { PATH = "" } = process.env;
      const DATABASE_URL = databaseUrl(server.url, database);
      const env = { PATH, TZ, LANG, LC_ALL: LANG, DATABASE_URL, NEON_WS_PROXY: server.wsProxy };
      return JSON.parse((await exec(process.execPath, [ONCE, "same"], { env })).stdout);
    };
    const [there, here] = await Promise.all([
      once(copy, "Pacific/Kiritimati", "tr_TR.UTF-8"),
      once(original, "UTC", "C"),
    ]);
    expect(there).toMatchObject({
      sha256: expected,
      locale: "tr-TR",
      timeZone: "Pacific/Kiritimati",
    });
    expect(here).toMatchObject({ sha256: expected, timeZone: "UTC" });
    expect(there.hour).not.toBe(here.hour);
  } finally {
    await execute(server, `drop database ${copy} with (force)`);
  }

  // What became of the sources is not part of it.
  await db().delete(projectFiles).where(eq(projectFiles.id, fileId));
  expect(await db().$count(citations, sql`project_id = 'same' and file_id is null`)).toBe(2);
  expect(sha256(await bytesOf("same"))).toBe(expected);
  await publish("same", "PRD", "main", "# Newer\n");
  expect(sha256(await bytesOf("same"))).not.toBe(expected);
}, 60_000);

test("a project without artifacts is a manifest that says so", async () => {
  const files = unzipSync(await bytesOf(await project("none")));
  expect(Object.keys(files)).toEqual(["manifest.json"]);
  expect(text(files["manifest.json"])).toBe('{"artifacts":[],"format":1,"project":"none"}');
});

test("two that would be one file, and a text that is not what was published, are refused before the first byte", async () => {
  const version = { id: "a", runId: null, version: 1, sha256: "", bytes: 1, kind: "PRD" };
  const one = { ...version, key: "main" };
  expect(() => placed([one, { ...one, id: "b" }])).toThrow(/PRD.*main.*another key/);
  expect(placed([one, { ...one, key: "Main" }])).toHaveLength(2);

  await project("damaged");
  await db()
    .insert(artifacts)
    .values({
      ...{ id: newId("artifact"), projectId: "damaged", kind: "PRD", logicalKey: "main" },
      ...{ version: 1, content: "not this", contentSha256: sha256("this") },
    });
  const response = await download("damaged");
  expect(response.status).toBe(409);
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  expect(await response.json()).toMatchObject({ code: "export_artifact_damaged" });
});

/** `count` artifacts of 100 KB each: more than what lies between a writer and a reader that does not read. */
async function large(projectId: string, count: number): Promise<void> {
  await project(projectId);
  await db().execute(sql`
    insert into artifacts (id, project_id, kind, logical_key, version, content, content_sha256)
    select ${projectId} || n, ${projectId}, 'SPEC', n, 1, c, encode(sha256(convert_to(c, 'UTF8')), 'hex')
    from generate_series(1, ${count}::int) n, lateral (select repeat(lpad(n::text, 10, '0'), 10240) c)`);
}

test("an artifact that goes while it is exported breaks the connection: nobody takes the half for the whole", async () => {
  await large("gone", 400);
  const response = await download("gone");
  expect(response.status).toBe(200);
  const reader = response.body?.getReader();
  const read: Uint8Array[] = [];
  read.push((await reader?.read())?.value ?? new Uint8Array());
  await db().delete(artifacts).where(eq(artifacts.projectId, "gone"));
  const rest = (async () => {
    for (;;) {
      const chunk = await reader?.read();
      if (!chunk || chunk.done) return;
      read.push(chunk.value);
    }
  })();
  await expect(rest).rejects.toThrow(/terminated/);
  expect(() => unzipSync(Buffer.concat(read))).toThrow();
});

test("one that goes after its text was read breaks it as well: it is not said to cite nothing", async () => {
  await large("halved", 15);
  await db().execute(sql`
    insert into citations (id, project_id, artifact_id, ordinal, quote, file_name, file_sha256, extraction_version, chunk_sha256,
      start_offset, end_offset)
    select 'cit_' || id, project_id, id, 1, 'Chain', ${PLACE.fileName}, ${PLACE.fileSha256}, 1, ${PLACE.chunkSha256}, 0, 5
    from artifacts where project_id = 'halved'`);
  const files = unzipSync(await bytesOf("halved"));
  expect(Object.keys(files).filter((path) => path.startsWith("citations/"))).toHaveLength(15);
  // When it begins, all 15 texts have been read, which are one batch, and no citation.
  const stream = await exportProject("halved");
  await db().delete(projects).where(eq(projects.id, "halved"));
  await expect(new Response(stream).arrayBuffer()).rejects.toMatchObject({
    code: "export_artifact_gone",
  });
});

test("nothing is read ahead of a slow reader, and nothing after it has left", async () => {
  let taken = 0;
  const entries = async function* (): AsyncGenerator<ZipEntry> {
    for (;;) yield { path: `${++taken}`, bytes: Buffer.alloc(100_000, taken) };
  };
  const reader = zipStream(entries()).getReader();
  await reader.read();
  await new Promise((resolve) => setImmediate(resolve));
  const before = taken;
  expect(before).toBeLessThanOrEqual(3);
  for (let n = 0; n < 40; n++) await reader.read();
  expect(taken).toBeGreaterThan(before + 5);
  await reader.cancel(new Error("enough"));
  const after = taken;
  await new Promise((resolve) => setImmediate(resolve));
  expect(taken).toBe(after);
});

test("HEAD has the headers alone: for it no ZIP is made, and no bundle is opened", async () => {
  const projectId = await project("heads");
  const runId = "run-heads";
  const kind = "implementation" as const;
  const ended = { status: "failed" as const, endedAt: new Date() };
  await db()
    .insert(runs)
    .values({ id: runId, projectId, kind, ...ended, input: {}, requestedBy: OWNER });
  // What either would need is damaged, or gone: whoever looks at it finds that.
  const stored = { attempt: 1, sha256: sha256("ZIP"), bytes: 1234, blob: "none" };
  await db()
    .insert(artifacts)
    .values({
      ...{ id: "heads", projectId, runId, kind: BUNDLE_KIND, logicalKey: "main", version: 1 },
      ...{ content: "not this", contentSha256: sha256("this"), metadata: stored },
    });
  for (const [path, refused, length] of [
    [`/api/export/${projectId}`, 409, null],
    [`/api/runs/${runId}/bundle`, 404, "1234"],
  ] as const) {
    expect((await api.call("GET", path, { as: OWNER })).status).toBe(refused);
    const { status, headers, text } = await api.call("HEAD", path, { as: OWNER });
    expect([status, text, headers.get("content-length")]).toEqual([200, "", length]);
    expect(headers.get("content-type")).toBe("application/zip");
    expect((await api.call("HEAD", path, { as: "eve" })).status).toBe(404);
  }
});
