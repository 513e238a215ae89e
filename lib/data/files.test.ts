import { hash } from "node:crypto";
import { sql } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { db } from "#db/client.ts";
import { until } from "#local/client.ts";
import { type TestDatabase, testDatabase } from "../../test/setup/database.ts";
import { Conflict, NotFound } from "../errors.ts";
import { newId } from "../ids.ts";
import { attachBytes } from "./file-bytes.server.ts";
import {
  claimLeftBehind,
  markIngested,
  markIngesting,
  markRejected,
} from "./file-progress.server.ts";
import {
  deleteFile,
  deleteFiles,
  findFile,
  getFile,
  listFiles,
  registerLink,
  registerUpload,
} from "./files.server.ts";
import { beginProjectDelete, createProject } from "./projects.server.ts";

let database: TestDatabase;
let projectId: string;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  projectId = newId("project");
  await createProject({ id: projectId, ownerUserId: "ann", name: "P", slug: projectId });
});

const bytesOf = (text: string, blobRef = `blob/${text}`) => ({
  sha256: hash("sha256", text, "hex"),
  sizeBytes: text.length,
  mimeType: "text/plain",
  blobRef,
});
const upload = (text: string, name = `${text}.txt`) =>
  registerUpload({ projectId, name, ...bytesOf(text) });
const link = (name: string, url = `https://example.com/${name}`) =>
  registerLink({ projectId, name, url });
const ingested = (fileId: string, extractionVersion = 1) =>
  markIngested({ fileId, extractionVersion, format: "text", pageCount: null, chunkCount: 2 });
const filesOfProject = async () => (await listFiles({ projectId })).items;

test("a link and a name are kept without their secrets; links that differ in those alone are two", async () => {
  const [one, two, same] = [
    await link("a.txt", "https://example.com/a?page=1&token=a1B2c3D4e5F6"),
    await link("a.txt", "https://example.com/a?page=1&token=F6e5D4c3B2a1"),
    await link(`npm_${"a1B2".repeat(9)}.txt`, "https://example.com/a?page=1&token=a1B2c3D4e5F6"),
  ];
  expect(one.file.sourceUrl).toMatch(
    /^https:\/\/example.com\/a\?page=1&token=\[redacted:url-parameter\]#[0-9a-f]{16}$/,
  );
  expect([two.created, same.created]).toEqual([true, false]);
  expect(same.file.aliases).toEqual(["[redacted:npm-token].txt"]);
  expect((await link("plain.txt")).file.sourceUrl).toBe("https://example.com/plain.txt");
  // Only the event that had a whole link can fetch it: while that may be alive, nobody else tries.
  const claimed = async () => {
    const left = await claimLeftBehind({ olderThanMs: 0, extractionVersion: 1, limit: 100 });
    return left.filter((file) => file.projectId === projectId).length;
  };
  expect(await claimed()).toBe(1);
  await db().execute(
    sql`update project_files set created_at = now() - interval '9 hours', updated_at = now() - interval '9 hours'
      where project_id = ${projectId}`,
  );
  expect(await claimed()).toBe(3);
});

describe("uploads", () => {
  test("the same bytes under many names at once are one file with aliases", async () => {
    const names = Array.from({ length: 30 }, (_, n) => `name-${n}.txt`);
    const results = await Promise.all(names.map((name) => upload("same", name)));
    expect(results.filter(({ created }) => created)).toHaveLength(1);
    const [file, ...others] = await filesOfProject();
    expect(others).toEqual([]);
    expect(file?.aliases).toHaveLength(20);
    expect(new Set([file?.name, ...(file?.aliases ?? [])]).size).toBe(21);
  });

  test("a repeated name is not an alias, and a repeat does not touch what ingestion found", async () => {
    const { file } = await upload("a");
    await ingested(file.id);
    expect(await upload("a")).toMatchObject({
      created: false,
      file: { id: file.id, status: "ingested", aliases: [] },
    });
  });

  test("the same bytes in two projects are two files", async () => {
    const { file } = await upload("a");
    const other = newId("project");
    await createProject({ id: other, ownerUserId: "bob", name: "O", slug: "o" });
    const { file: second } = await registerUpload({ projectId: other, name: "a", ...bytesOf("a") });
    expect(second.id).not.toBe(file.id);
    await expect(getFile({ projectId: other, fileId: file.id })).rejects.toThrow(NotFound);
    expect(await deleteFile({ projectId: other, fileId: file.id })).toBeNull();
  });

  test("a project that is not there is NotFound", async () => {
    await expect(
      registerUpload({ projectId: "proj_gone", name: "a", ...bytesOf("a") }),
    ).rejects.toThrow(NotFound);
    await expect(
      registerLink({ projectId: "proj_gone", name: "a", url: "https://e.com" }),
    ).rejects.toThrow(NotFound);
  });

  test("a project that is being deleted takes none", async () => {
    await upload("a");
    await beginProjectDelete({ id: projectId });
    await expect(upload("a")).rejects.toThrow(NotFound);
    await expect(upload("b")).rejects.toThrow(NotFound);
    await expect(link("b")).rejects.toThrow(NotFound);
    expect(await filesOfProject()).toHaveLength(1);
  });
});

describe("links", () => {
  test("one pending row per link, also when registered many times at once", async () => {
    const results = await Promise.all(Array.from({ length: 12 }, () => link("doc")));
    expect(new Set(results.map(({ file }) => file.id)).size).toBe(1);
    expect(results.filter(({ created }) => created)).toHaveLength(1);
    expect(results[0]?.file).toMatchObject({ status: "pending", sha256: null });
  });

  test("a pending file takes its bytes once; a repeat is the same, other bytes are a conflict", async () => {
    const { file } = await link("doc");
    const first = await attachBytes({ fileId: file.id, ...bytesOf("x") });
    expect(first).toMatchObject({ merged: false, file: { id: file.id, status: "uploaded" } });
    expect(await attachBytes({ fileId: file.id, ...bytesOf("x") })).toEqual(first);
    await expect(attachBytes({ fileId: file.id, ...bytesOf("y") })).rejects.toThrow(Conflict);
    await expect(attachBytes({ fileId: "file_gone", ...bytesOf("y") })).rejects.toThrow(NotFound);
  });

  test("many links to the same bytes at once become one file with all names", async () => {
    const pending = await Promise.all(["a", "b", "c", "d", "e", "f"].map((name) => link(name)));
    const results = await Promise.all(
      pending.map(({ file }) => attachBytes({ fileId: file.id, ...bytesOf("same", file.id) })),
    );
    expect(results.filter(({ merged }) => !merged)).toHaveLength(1);
    const [file, ...others] = await filesOfProject();
    expect(others).toEqual([]);
    expect(results.every((result) => result.file.id === file?.id)).toBe(true);
    expect([file?.name, ...(file?.aliases ?? [])].sort()).toEqual(["a", "b", "c", "d", "e", "f"]);
  });

  test("uploads and links of the same bytes at once become one file", async () => {
    const { file: pending } = await link("linked");
    await Promise.all([
      attachBytes({ fileId: pending.id, ...bytesOf("same") }),
      upload("same", "uploaded"),
    ]);
    const [file, ...others] = await filesOfProject();
    expect(others).toEqual([]);
    expect([file?.name, ...(file?.aliases ?? [])].sort()).toEqual(["linked", "uploaded"]);
  });

  test("a link that is given other bytes while it becomes another file keeps them, or is gone before", async () => {
    const { file: other } = await upload("x");
    const { file: pending } = await link("doc");
    const waiting = async () => {
      const { rows } = await db().execute<{ n: number }>(
        sql`select count(*)::int as n from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock'`,
      );
      return rows[0]?.n ?? 0;
    };
    let settled = false;
    const attaching = await db().transaction(async (tx) => {
      await tx.execute(sql`select from project_files where id = ${other.id} for update`);
      const same = attachBytes({ fileId: pending.id, ...bytesOf("x", "same") });
      await until("the first waits for the other file", async () => (await waiting()) === 1);
      const different = attachBytes({ fileId: pending.id, ...bytesOf("y") });
      const both = Promise.allSettled([same, different]);
      void Promise.allSettled([different]).then(() => {
        settled = true;
      });
      await until("the second is done or waits", async () => settled || (await waiting()) === 2);
      return { both };
    });
    const [, different] = await attaching.both;
    const kept = await findFile({ fileId: pending.id });
    expect(kept?.sha256).toBe(different?.status === "fulfilled" ? bytesOf("y").sha256 : undefined);
    expect(await filesOfProject()).toHaveLength(kept ? 2 : 1);
  });

  test("merging leaves the caller's transaction usable", async () => {
    const { file: first } = await upload("same");
    const { file: pending } = await link("doc");
    await db().transaction(async (tx) => {
      const result = await attachBytes({ fileId: pending.id, ...bytesOf("same") }, tx);
      expect(result).toMatchObject({ merged: true, file: { id: first.id } });
    });
    expect(await findFile({ fileId: pending.id })).toBeNull();
  });

  test("a refused link can be tried again", async () => {
    const { file } = await link("doc");
    await markRejected({
      fileId: file.id,
      extractionVersion: 1,
      code: "url_refused",
      reason: "no",
    });
    expect((await link("doc")).file.id).toBe(file.id);
    const { file: again } = await attachBytes({ fileId: file.id, ...bytesOf("x") });
    expect(again).toMatchObject({ status: "uploaded", rejectCode: null, rejectReason: null });
  });
});

describe("progress", () => {
  test("a finished file keeps the time of its first finish, and a late refusal changes nothing", async () => {
    const { file } = await upload("a");
    expect(await markIngesting({ fileId: file.id })).toMatchObject({ status: "ingesting" });
    const first = await ingested(file.id);
    expect(first).toMatchObject({ status: "ingested", chunkCount: 2, extractionVersion: 1 });
    expect((await ingested(file.id))?.ingestedAt).toEqual(first?.ingestedAt);
    const late = { fileId: file.id, extractionVersion: 1, code: "corrupt", reason: "late" };
    expect(await markRejected(late)).toBeNull();
    expect(await findFile({ fileId: file.id })).toMatchObject({ status: "ingested" });
  });

  test("an older extraction version does not overwrite a newer one, a newer does an older", async () => {
    const { file } = await upload("a");
    await ingested(file.id, 2);
    expect(await ingested(file.id, 1)).toBeNull();
    expect(await ingested(file.id, 3)).toMatchObject({ extractionVersion: 3 });
    const refusal = { fileId: file.id, extractionVersion: 4, code: "corrupt", reason: "r" };
    expect(await markRejected(refusal)).toMatchObject({
      status: "rejected",
      rejectCode: "corrupt",
    });
    expect(await ingested(file.id, 4)).toMatchObject({ status: "ingested", rejectCode: null });
  });

  test("a file that is gone, or has no bytes yet, cannot be worked on", async () => {
    const { file } = await link("doc");
    expect(await markIngesting({ fileId: file.id })).toBeNull();
    expect(await ingested(file.id)).toBeNull();
    expect(await deleteFile({ projectId, fileId: file.id })).toMatchObject({ id: file.id });
    expect(await deleteFile({ projectId, fileId: file.id })).toBeNull();
    expect(await markIngesting({ fileId: file.id })).toBeNull();
    expect(await ingested(file.id)).toBeNull();
  });
});

test("a project's files are deleted some at a time, and no other's", async () => {
  const other = newId("project");
  await createProject({ id: other, ownerUserId: "bob", name: "O", slug: "others" });
  await registerUpload({ projectId: other, name: "a", ...bytesOf("a") });
  for (const text of ["a", "b", "c", "d", "e"]) await upload(text);
  const left: number[] = [];
  while ((await deleteFiles({ projectId, limit: 2 })) > 0) {
    left.push((await filesOfProject()).length);
  }
  expect(left).toEqual([3, 1, 0]);
  expect((await listFiles({ projectId: other })).items).toHaveLength(1);
});

describe("left behind", () => {
  const HOUR = 3_600_000;
  const claim = async () => {
    const claimed = await claimLeftBehind({ olderThanMs: HOUR, extractionVersion: 2, limit: 100 });
    return claimed.filter((file) => file.projectId === projectId);
  };
  const age = (fileId: string, minutes: number) =>
    db().execute(
      sql`update project_files set updated_at = now() - ${minutes} * interval '1 minute' where id = ${fileId}`,
    );

  test("unfinished files and those of an older version, once per time, the longest waiting first", async () => {
    const uploaded = (await upload("uploaded")).file.id;
    const waiting = (await link("waiting")).file.id;
    const older = (await upload("older")).file.id;
    const current = (await upload("current")).file.id;
    const rejected = (await upload("rejected")).file.id;
    const fresh = (await upload("fresh")).file.id;
    await ingested(older, 1);
    await ingested(current, 2);
    await markRejected({ fileId: rejected, extractionVersion: 2, code: "corrupt", reason: "r" });
    for (const [at, id] of [uploaded, waiting, older, current, rejected].entries())
      await age(id, 200 - at);
    const sweeps = await Promise.all([claim(), claim(), claim()]);
    const claimed = sweeps.flat();
    expect(claimed.map(({ fileId }) => fileId).sort()).toEqual([uploaded, waiting, older].sort());
    expect(await claim()).toEqual([]);
    await age(uploaded, 100);
    expect(await claim()).toMatchObject([{ fileId: uploaded }]);
    expect(await findFile({ fileId: fresh })).toMatchObject({ status: "uploaded" });
  });

  test("what came long ago waits for a day at most, what came lately for as long as before", async () => {
    const old = (await upload("old")).file.id;
    const late = (await upload("late")).file.id;
    const came = (fileId: string, days: number) =>
      db().execute(
        sql`update project_files set created_at = now() - ${days} * interval '1 day', updated_at = updated_at where id = ${fileId}`,
      );
    await came(old, 200);
    await markIngesting({ fileId: old });
    await age(old, 23 * 60);
    await came(late, 1);
    await age(late, 11 * 60);
    expect(await claim()).toEqual([]);
    await age(old, 25 * 60);
    await age(late, 13 * 60);
    expect(new Set((await claim()).map(({ fileId }) => fileId))).toEqual(new Set([old, late]));
  });

  test("the limit takes the longest waiting, and a project being deleted is left alone", async () => {
    const ids = [(await upload("a")).file.id, (await upload("b")).file.id];
    for (const [at, id] of ids.entries()) await age(id, 10_000 - at);
    const input = { olderThanMs: HOUR, extractionVersion: 2, limit: 1 };
    expect(await claimLeftBehind(input)).toMatchObject([{ fileId: ids[0] }]);
    await beginProjectDelete({ id: projectId });
    expect(await claim()).toEqual([]);
  });
});

test("files are listed newest first in pages, each once", async () => {
  const made: string[] = [];
  for (const text of ["a", "b", "c", "d", "e"]) made.push((await upload(text)).file.id);
  const first = await listFiles({ projectId, limit: 3 });
  const second = await listFiles({ projectId, limit: 3, cursor: first.nextCursor ?? undefined });
  expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(made.reverse());
  expect(second.nextCursor).toBeNull();
});
