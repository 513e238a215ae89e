import { hash } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestDatabase, testDatabase } from "../../test/setup/database.ts";
import { newId } from "../ids.ts";
import { publishArtifact } from "./artifacts.server.ts";
import { getChunksWithFile, insertChunks } from "./chunks.server.ts";
import { insertCitations, listCitations } from "./citations.server.ts";
import { attachBytes } from "./file-bytes.server.ts";
import { markIngested, markRejected } from "./file-progress.server.ts";
import { deleteFile, type ProjectFile, registerLink, registerUpload } from "./files.server.ts";
import { createProject } from "./projects.server.ts";
import { transaction } from "./transaction.server.ts";

const NAMES = ["a.md", "b.md", "c.md"];

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());

/** A project in which documents come, go and are cited. */
class Desk {
  readonly projectId = newId("project");
  #links = 0;

  async open(): Promise<this> {
    const { projectId: id } = this;
    await createProject({ id, ownerUserId: "ann", name: "P", slug: id });
    return this;
  }

  #bytes(text: string) {
    const sha256 = hash("sha256", text, "hex");
    return { sha256, sizeBytes: text.length, mimeType: "text/markdown", blobRef: `blob/${text}` };
  }

  async upload(text: string, name: string): Promise<ProjectFile> {
    const { projectId } = this;
    const { file } = await registerUpload({ projectId, name, ...this.#bytes(text) });
    return await this.#read(file, text);
  }

  /** Two steps, as links come: asked for, then fetched. */
  async ask(name: string, at?: Date, url = `https://example.com/${this.#links++}`) {
    return (await registerLink({ projectId: this.projectId, name, url, at })).file.id;
  }

  async fetched(fileId: string, text: string): Promise<ProjectFile> {
    const { file } = await attachBytes({ fileId, ...this.#bytes(text) });
    return await this.#read(file, text);
  }

  /** Those that begin with `!` cannot be read. */
  async #read(file: ProjectFile, text: string): Promise<ProjectFile> {
    const id = { fileId: file.id, extractionVersion: 1 };
    if (text.startsWith("!")) {
      await markRejected({ ...id, code: "corrupt", reason: "no" });
      return file;
    }
    if (file.status === "ingested") return file;
    const { projectId } = this;
    const chunk = { id: `${file.id}-0`, ordinal: 0, content: text, breadcrumbs: "", tokenCount: 1 };
    const place = { pageStart: null, pageEnd: null, startOffset: 0, endOffset: text.length };
    const chunks = [{ ...chunk, ...place }];
    await insertChunks({ projectId, ...id, fileSha256: file.sha256 ?? "", chunks });
    await markIngested({ ...id, format: "markdown", pageCount: null, chunkCount: 1 });
    return file;
  }

  /** An artifact that cites a file, once under each name. */
  async cite(file: ProjectFile, text: string): Promise<string> {
    const { projectId } = this;
    const { artifact } = await publishArtifact({
      ...{ projectId, kind: "PRD", logicalKey: file.id, content: text },
    });
    const citations = NAMES.map((fileName) => ({
      ...{ chunkId: `${file.id}-0`, fileId: file.id, fileName, fileSha256: file.sha256 ?? "" },
      ...{ extractionVersion: 1, chunkSha256: hash("sha256", text, "hex"), quote: text },
      ...{ startOffset: 0, endOffset: text.length, pageStart: null, pageEnd: null },
    }));
    const citing = { projectId, artifactId: artifact.id };
    await transaction((tx) => insertCitations(citing, citations, tx));
    return artifact.id;
  }

  async outdated(artifactId: string, name = NAMES[0]): Promise<boolean | undefined> {
    const cited = await listCitations({ artifactId });
    return cited.find((one) => one.type === "file" && one.fileName === name)?.outdated;
  }

  async calledNow(fileId: string): Promise<string | undefined> {
    const ids = [`${fileId}-0`];
    const [chunk] = await getChunksWithFile({ projectId: this.projectId, ids });
    return chunk?.fileName;
  }

  async remove(fileId: string): Promise<void> {
    await deleteFile({ projectId: this.projectId, fileId });
  }
}

test("old bytes that come back under their name are what it stands for again", async () => {
  const desk = await new Desk().open();
  const a = await desk.upload("A", "a.md");
  const citesA = await desk.cite(a, "A");
  const b = await desk.upload("B", "a.md");
  const citesB = await desk.cite(b, "B");
  expect([await desk.outdated(citesA), await desk.outdated(citesB)]).toEqual([true, false]);
  await desk.upload("A", "a.md");
  expect([await desk.outdated(citesA), await desk.outdated(citesB)]).toEqual([false, true]);
});

test("bytes known under another name take a second one, and are cited under that which stands for them", async () => {
  const desk = await new Desk().open();
  const a = await desk.upload("A", "a.md");
  const b = await desk.upload("B", "b.md");
  const citesA = await desk.cite(a, "A");
  await desk.upload("B", "a.md");
  expect(await desk.outdated(citesA)).toBe(true);
  expect(await desk.calledNow(b.id)).toBe("b.md");
  await desk.upload("C", "b.md");
  expect(await desk.calledNow(b.id)).toBe("a.md");
});

test("what was asked for before does not take a name from what came after, however late it is fetched or repeated", async () => {
  const desk = await new Desk().open();
  const asked = new Date(Date.now() - 60_000);
  const link = await desk.ask("a.md", asked, "https://example.com/x");
  const b = await desk.upload("B", "a.md");
  const citesB = await desk.cite(b, "B");
  // The sweeper asks again, with an event of its own.
  expect(await desk.ask("a.md", new Date(), "https://example.com/x")).toBe(link);
  const a = await desk.fetched(link, "A");
  const citesA = await desk.cite(a, "A");
  expect([await desk.outdated(citesA), await desk.outdated(citesB)]).toEqual([true, false]);
  // The old event again: its bytes are those of the file that is there.
  await desk.fetched(await desk.ask("a.md", asked, "https://example.com/x"), "A");
  expect([await desk.outdated(citesA), await desk.outdated(citesB)]).toEqual([true, false]);
  // A new one, also from a sender whose clock is ahead, which does not hold the name for ever.
  const ahead = new Date(Date.now() + 3_600_000);
  await desk.fetched(await desk.ask("a.md", ahead, "https://example.com/x"), "A");
  expect([await desk.outdated(citesA), await desk.outdated(citesB)]).toEqual([false, true]);
  await desk.upload("B", "a.md");
  expect([await desk.outdated(citesA), await desk.outdated(citesB)]).toEqual([true, false]);
});

const text = fc.constantFrom("A", "B", "C", "!D");
const name = fc.constantFrom(...NAMES);
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ does: fc.constant("upload" as const), text, name }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant("link" as const), text, name }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant("remove" as const), text }) },
);

test("a link that was refused and is sent again takes the name from what came meanwhile", async () => {
  const desk = await new Desk().open();
  const url = "https://example.com/refused-once";
  const refused = await desk.ask("a.md", new Date(Date.now() - 60_000), url);
  const code = { code: "url_refused", reason: "no", pending: true };
  await markRejected({ fileId: refused, extractionVersion: 1, ...code });
  const b = await desk.upload("B", "a.md");
  const citesB = await desk.cite(b, "B");
  expect(await desk.ask("a.md", undefined, url)).toBe(refused);
  const a = await desk.fetched(refused, "A");
  expect(await desk.outdated(await desk.cite(a, "A"))).toBe(false);
  expect(await desk.outdated(citesB)).toBe(true);
});

test("after any uploads, links and removals a name stands for the readable file that came under it last", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
      const desk = await new Desk().open();
      const here = new Map<string, ProjectFile>();
      const artifacts = new Map<string, string>();
      let came: { name: string; text: string }[] = [];
      for (const one of steps) {
        if (one.does === "remove") {
          const file = here.get(one.text);
          if (file) await desk.remove(file.id);
          here.delete(one.text);
          came = came.filter((past) => past.text !== one.text);
          continue;
        }
        const file =
          one.does === "upload"
            ? await desk.upload(one.text, one.name)
            : await desk.fetched(await desk.ask(one.name), one.text);
        came.push({ name: one.name, text: one.text });
        here.set(one.text, file);
        const readable = !one.text.startsWith("!");
        if (readable && !artifacts.has(file.id)) {
          artifacts.set(file.id, await desk.cite(file, one.text));
        }
      }
      const readable = came.filter((one) => !one.text.startsWith("!"));
      const stands = (of: string) => readable.findLast((one) => one.name === of)?.text;
      const fileIds = new Map([...here].map(([is, { id }]) => [id, is]));
      for (const [fileId, artifactId] of artifacts) {
        const is = fileIds.get(fileId);
        for (const of of NAMES) {
          const right = is === undefined || ![undefined, is].includes(stands(of));
          expect(await desk.outdated(artifactId, of)).toBe(right);
        }
        const called = await desk.calledNow(fileId);
        const names = NAMES.filter((of) => is !== undefined && stands(of) === is);
        if (names.length > 0) expect(names).toContain(called);
      }
    }),
    { numRuns: process.env.FULL === "1" ? 300 : 40 },
  );
}, 60_000);
