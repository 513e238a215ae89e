import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { document } from "../../test/support/document.ts";
import { modelBed } from "../../test/support/model.ts";
import { saveSkill } from "../model/put-skill.ts";
import { getSection } from "./draft.ts";
import { writeSection } from "./write.ts";

const bed = modelBed();
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "write-"));
  vi.stubEnv("BLOB_DIR", dir);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true });
});

test("a project's skill is read by the model that writes a section, and only when it asks for it", async () => {
  const content = "---\nname: house-style\ndescription: How to write\n---\nNever use adverbs.";
  await saveSkill({ projectId: "p", name: "house-style", content });
  bed.server.replies.push(
    { tool: { name: "load_skill", arguments: { name: "house-style" } } },
    { answer: { answered: false, statements: [] } },
  );
  const work = { projectId: "p", runId: bed.caller.runId, kind: "ROADMAP", logicalKey: "main" };
  const chunkIds = [await document("p", "The buoy comes first.")];
  const input = { id: "now", chunkIds, research: { brief: "" }, stepId: "write-ROADMAP/now" };
  expect(await writeSection(work, input)).toMatchObject({ statements: 0, model: "test/model" });
  expect(await getSection(work, "now")).toMatchObject({ id: "now", statements: [] });
  const [first, second] = bed.server.requests;
  expect(first?.text).toContain("How to write");
  expect(first?.text).not.toContain("Never use adverbs");
  expect(second?.text).toContain("Never use adverbs.");
});

test("a section for which nothing was found costs no request", async () => {
  const work = { projectId: "p", runId: bed.caller.runId, kind: "ROADMAP", logicalKey: "main" };
  const input = { id: "now", chunkIds: [], research: { brief: "" }, stepId: "write-ROADMAP/now" };
  const none = { statements: 0, model: null, dropped: 0 };
  expect(await writeSection(work, input)).toEqual(none);
  expect(await getSection(work, "now")).toMatchObject({ id: "now", statements: [] });
  expect(bed.server.requests).toEqual([]);
});
