import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FileRefused } from "../../errors.ts";
import { extractFile } from "./extract.ts";
import { type HostileFile, hostileFiles } from "./fixtures.ts";
import { formBomb, pdf } from "./fixtures-pdf.ts";
import { docxParts, zip } from "./fixtures-zip.ts";
import type { ExtractLimits } from "./limits.ts";

let dir: string;
let files: HostileFile[];
const good = fileURLToPath(new URL("../../../samples/operations-manual.pdf", import.meta.url));

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "refusals-"));
  files = await hostileFiles(dir);
});

afterAll(() => rm(dir, { recursive: true }));

/** What extraction says about a file: the refusal's code, or the format when there is none. */
async function verdict(path: string, name: string, limits?: Partial<ExtractLimits>) {
  try {
    return (await extractFile({ path, name }, limits)).format;
  } catch (error) {
    if (!(error instanceof FileRefused)) throw error;
    expect(error.message).toMatch(/[A-Z].*\.$/);
    expect(error.context.name).toBe(name);
    return error.code;
  }
}

async function write(name: string, content: Uint8Array | string): Promise<string> {
  const path = join(dir, name);
  await writeFile(path, content);
  return path;
}

describe("hostile files", () => {
  it("are each refused with their own reason while good ones are read beside them", async () => {
    const before = process.memoryUsage().rss;
    const goodOnes = [1, 2, 3].map(() => verdict(good, "manual.pdf"));
    const verdicts = files.map(async ({ name, path }) => [name, await verdict(path, name)]);
    expect(await Promise.all(goodOnes)).toEqual(["pdf", "pdf", "pdf"]);
    expect(await Promise.all(verdicts)).toEqual(files.map(({ name, code }) => [name, code]));
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024);
  }, 60_000);

  it("cover every way in which a file's content can be refused at once", () => {
    expect(new Set(files.map((file) => file.code))).toEqual(
      new Set(
        "unsupported too_large empty encrypted corrupt needs_ocr expands_too_much".split(" "),
      ),
    );
  });
});

describe("limits", () => {
  it("end a file that takes too long", async () => {
    const path = await write("forms.pdf", formBomb(9));
    const started = performance.now();
    expect(await verdict(path, "forms.pdf", { deadlineMs: 700 })).toBe("too_slow");
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(await verdict(good, "manual.pdf")).toBe("pdf");
  });

  it("end a file that fills the JavaScript heap, which aborts the worker and not us", async () => {
    const elements = docxParts("<w:p/>".repeat(300_000));
    const path = await write("elements.docx", zip(elements));
    const limits = { heapBytes: 32 * 1024 * 1024 };
    expect(await verdict(path, "elements.docx", limits)).toBe("too_much_memory");
    expect(await verdict(good, "manual.pdf")).toBe("pdf");
  });

  it("end a file that fills memory outside the heap", async () => {
    const path = await write("big.txt", Buffer.alloc(90 * 1024 * 1024, "words \n"));
    const limits = { memoryBytes: 64 * 1024 * 1024 };
    expect(await verdict(path, "big.txt", limits)).toBe("too_much_memory");
  });

  it("count pages and text", async () => {
    expect(await verdict(good, "manual.pdf", { pages: 7 })).toBe("too_large");
    expect(await verdict(good, "manual.pdf", { textLength: 1000 })).toBe("too_large");
    const text = await write("long.txt", "words ".repeat(1000));
    expect(await verdict(text, "long.txt", { textLength: 5999 })).toBe("too_large");
    expect(await verdict(text, "long.txt", { textLength: 6000 })).toBe("text");
  });

  it("hold for PDFium's memory too", async () => {
    const page = await pdf((document) => document.text("A page."));
    const path = await write("padded.pdf", padded(page));
    const limits = { memoryBytes: 24 * 1024 * 1024 };
    expect(await verdict(path, "padded.pdf", limits)).toBe("too_much_memory");
  });
});

describe("damage", () => {
  it("is refused at any place where a document can be cut", async () => {
    const page = await pdf((document) => document.text("A page. ".repeat(500)));
    const word = zip(docxParts("<w:p><w:r><w:t>Words.</w:t></w:r></w:p>".repeat(50)));
    for (const share of [0.1, 0.5, 0.9]) {
      const cutPdf = await write("cut.pdf", page.subarray(0, page.length * share));
      expect(await verdict(cutPdf, "cut.pdf")).toBe("corrupt");
      const cutWord = await write("cut.docx", word.subarray(0, word.length * share));
      expect(await verdict(cutWord, "cut.docx")).toBe("corrupt");
    }
  });

  it("is refused where an HTML page or a Word document is nested without end", async () => {
    const html = await write("deep.html", "<div>".repeat(100_000));
    expect(await verdict(html, "deep.html")).toBe("corrupt");
    const table = "<w:tbl><w:tr><w:tc>".repeat(4_000);
    const word = await write("deep.docx", zip(docxParts(table)));
    expect(await verdict(word, "deep.docx")).toBe("corrupt");
  });
});

/** The same PDF with 40 MB of comment before its end. */
function padded(page: Buffer): Buffer {
  const end = page.lastIndexOf("startxref");
  const comment = Buffer.alloc(40 * 1024 * 1024, "%\n");
  return Buffer.concat([page.subarray(0, end), comment, page.subarray(end)]);
}
