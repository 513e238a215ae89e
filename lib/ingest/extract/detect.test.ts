import { mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { processorMs } from "../../../test/support/processor.ts";
import { detectFormat } from "./detect.ts";
import { docxParts, zip } from "./fixtures-zip.ts";
import { DEFAULT_LIMITS } from "./limits.ts";

let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "detect-"));
});

afterAll(() => rm(dir, { recursive: true }));

async function detect(name: string, content: string | Uint8Array, mimeType?: string) {
  const path = join(dir, "upload");
  await writeFile(path, content);
  await using file = await open(path);
  const { size } = await file.stat();
  return await detectFormat({ file, size, name, mimeType }, DEFAULT_LIMITS);
}

const parts = docxParts("<w:p/>");
const office = (part: string) =>
  zip([...parts.slice(0, 1), { name: part, content: Buffer.from("<x/>") }]);

it("goes by content first", async () => {
  expect(await detect("a.txt", "junk before %PDF-1.4")).toEqual({ format: "pdf" });
  expect(await detect("a.zip", zip(parts))).toEqual({ format: "docx" });
  expect(await detect("a.docx", office("xl/workbook.xml"))).toEqual({ format: "xlsx" });
  expect(await detect("a.docx", office("ppt/presentation.xml"))).toEqual({ format: "pptx" });
  expect(await detect("page", "\ufeff <!-- x -->\n<!DOCTYPE html><p>Hi")).toEqual({
    format: "html",
  });
  expect(await detect("page", '<?xml version="1.0"?><html lang="en">')).toEqual({ format: "html" });
});

it("reads past comments, however many there are, in no time", async () => {
  const comments = "<!-- a --><!---->\n".repeat(100);
  const ms = await processorMs(async () => {
    expect(await detect("notes", `${comments}<html>`)).toEqual({ format: "html" });
    expect(await detect("notes", `${"<!---->".repeat(290)}hello`)).toEqual({ format: "text" });
    expect(await detect("notes", `${"<!-- ".repeat(400)}<html>`)).toEqual({ format: "text" });
  });
  expect(ms).toBeLessThan(1000);
});

it("goes by name next, and by MIME type last", async () => {
  expect(await detect("a.py", "print(1)")).toEqual({ format: "code", language: "python" });
  expect(await detect("src/Dockerfile", "FROM x")).toEqual({
    format: "code",
    language: "dockerfile",
  });
  expect(await detect("A.MD", "# Hi")).toEqual({ format: "markdown" });
  expect(await detect("a.htm", "no tags")).toEqual({ format: "html" });
  expect(await detect("README", "# Hi", "text/markdown; charset=utf-8")).toEqual({
    format: "markdown",
  });
  expect(await detect("README", "<p>Hi", "text/html")).toEqual({ format: "html" });
  expect(await detect("README", "# Hi", "application/pdf")).toEqual({ format: "text" });
  expect(await detect("constructor", "x")).toEqual({ format: "text" });
  expect(await detect("x.__proto__", "x")).toEqual({ format: "text" });
});

it("takes UTF-16 for text and other binary content for what it is", async () => {
  expect(await detect("a.txt", Buffer.from("Plain words", "utf16le"))).toEqual({ format: "text" });
  const binary = detect("a.txt", Buffer.from([1, 0, 2, 0, 0, 0, 3, 200]));
  await expect(binary).rejects.toMatchObject({ code: "unsupported" });
});

it("refuses a directory that claims too much, and one that is encrypted", async () => {
  const media = {
    name: "word/media/a.png",
    content: Buffer.from("x"),
    claimedBytes: 4_000_000_000,
  };
  await expect(detect("a.docx", zip([...parts, media]))).rejects.toMatchObject({
    code: "expands_too_much",
  });
  const locked = zip(parts);
  // The first bit of the flags in each entry of the directory says that it is encrypted.
  locked[locked.indexOf("PK\x01\x02") + 8] = 1;
  await expect(detect("a.docx", locked)).rejects.toMatchObject({ code: "encrypted" });
});
