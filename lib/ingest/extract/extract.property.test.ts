import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { FileRefused } from "../../errors.ts";
import { FORMATS } from "../document.ts";
import { cleanLine, cleanProse } from "./clean.ts";
import { extractFile } from "./extract.ts";
import { pdf } from "./fixtures-pdf.ts";
import { docxParts, zip } from "./fixtures-zip.ts";
import { extractHtml } from "./html.ts";
import type { ExtractJob } from "./job.ts";
import { DEFAULT_LIMITS } from "./limits.ts";
import { extractOffice } from "./office.ts";
import { pipeTable } from "./pipe-table.ts";
import { extractPlain } from "./text.ts";

let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "extract-property-"));
});

afterAll(() => rm(dir, { recursive: true }));

const utf8 = (text: string) => new TextEncoder().encode(text);
/** What a file may be made of by somebody who wants us to fall over: prefixes that parsers look for, then noise. */
const noise = fc.tuple(
  fc.constantFrom(
    "",
    "%PDF-1.7\n",
    "PK\x03\x04",
    "<html>",
    "\xff\xfe",
    "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
  ),
  fc.uint8Array({ maxLength: 2000 }),
);

it("answers with a document or a refusal for any bytes under any name", async () => {
  const names = fc.constantFrom(
    "a.pdf",
    "a.docx",
    "a.xlsx",
    "a.html",
    "a.md",
    "a.txt",
    "a.rs",
    "a",
  );
  await fc.assert(
    fc.asyncProperty(noise, names, async ([prefix, bytes], name) => {
      const path = join(dir, "noise");
      await writeFile(path, Buffer.concat([Buffer.from(prefix, "latin1"), bytes]));
      const outcome = await extractFile({ path, name }, { deadlineMs: 10_000 }).catch((e) => e);
      if (outcome instanceof Error) expect(outcome).toBeInstanceOf(FileRefused);
      else expect(FORMATS).toContain(outcome.format);
    }),
    { numRuns: 10 },
  );
});

it("survives any one byte changed in a PDF", async () => {
  const whole = await pdf((document) =>
    document.fontSize(18).text("Title").text("Words. ".repeat(50)),
  );
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(255), async (at, value) => {
      const path = join(dir, "changed");
      await writeFile(path, Buffer.from(whole).fill(value, at, at + 1));
      const outcome = await extractFile({ path, name: "a.pdf" }).catch((error) => error);
      if (outcome instanceof Error) expect(outcome).toBeInstanceOf(FileRefused);
    }),
    { numRuns: 6 },
  );
});

it("gives plain text back as it is, cleaned, and code without normalization", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(0x10ffff), { maxLength: 500 }), (codePoints) => {
      // A first letter keeps what follows from being read as a byte order mark.
      const source = `x${String.fromCodePoint(...codePoints)}`.toWellFormed();
      const prose = extractPlain(utf8(source), "a.txt", { format: "text" }).pages[0]?.text;
      expect(prose).toBe(cleanProse(source));
      expect(cleanProse(prose ?? "")).toBe(prose);
      expect(prose).not.toMatch(/[^\P{Cc}\n\t]/u);
      const code = extractPlain(utf8(source), "a.ts", { format: "code" }).pages[0]?.text;
      expect(code?.normalize("NFKC")).toBe(prose);
    }),
  );
});

it("never loses a word of an HTML page, whatever tags surround it", () => {
  const tags = "p div h1 h3 ul ol li table tr td th pre code b br a section blockquote".split(" ");
  const piece = fc.oneof(
    fc.constantFrom(...tags).map((tag) => `<${tag}>`),
    fc.constantFrom(...tags).map((tag) => `</${tag}>`),
    fc.stringMatching(/^word[0-9]{4}$/).map((word) => ` ${word} `),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
      const html = pieces.join("");
      const text = extractHtml(utf8(`<html>${html}`), "a.html").pages[0]?.text ?? "";
      const words = (from: string) => (from.match(/word\d{4}/g) ?? []).toSorted();
      expect(words(text)).toEqual(words(html));
    }),
  );
});

it("writes Word paragraphs back in order", async () => {
  const job: ExtractJob = {
    path: "",
    name: "a.docx",
    size: 0,
    detected: { format: "docx" },
    limits: DEFAULT_LIMITS,
  };
  const words = fc.stringMatching(/^[A-Za-z][A-Za-z0-9 ]{0,30}$/).map(cleanLine);
  await fc.assert(
    fc.asyncProperty(fc.array(words, { minLength: 1, maxLength: 20 }), async (paragraphs) => {
      const body = paragraphs.map((text) => `<w:p><w:r><w:t>${text}</w:t></w:r></w:p>`).join("");
      const document = await extractOffice(zip(docxParts(body)), "docx", job);
      expect(document.pages[0]?.text).toBe(paragraphs.join("\n\n"));
    }),
    { numRuns: 30 },
  );
});

it("makes tables whose rows are single lines and whose cells can be told apart", () => {
  const rows = fc.array(fc.array(fc.string({ maxLength: 12 }), { maxLength: 6 }), { maxLength: 6 });
  fc.assert(
    fc.property(rows, (cells) => {
      const kept = cells.map((row) => row.map(cleanLine)).filter((row) => row.some(Boolean));
      const lines = pipeTable(cells).split("\n").filter(Boolean);
      expect(lines.length).toBe(kept.length === 0 ? 0 : kept.length + 1);
      for (const line of lines) expect(line).toMatch(/^\| .*\|$/);
    }),
  );
});
