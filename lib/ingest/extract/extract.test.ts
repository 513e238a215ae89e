import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { extractFile } from "./extract.ts";
import { pdf } from "./fixtures-pdf.ts";
import { docxParts, zip } from "./fixtures-zip.ts";

let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "extract-"));
});

afterAll(() => rm(dir, { recursive: true }));

function sample(name: string) {
  const path = fileURLToPath(new URL(`../../../samples/${name}`, import.meta.url));
  return extractFile({ path, name });
}

async function extract(name: string, content: Uint8Array) {
  const path = await mkdtemp(join(dir, "file-"));
  await writeFile(join(path, "upload"), content);
  return extractFile({ path: join(path, "upload"), name });
}

describe("the samples", () => {
  it("reads a PDF page by page, with headings by type size and paragraphs by gaps", async () => {
    const document = await sample("operations-manual.pdf");
    expect(document).toMatchObject({
      format: "pdf",
      title: "Kelpline operations manual",
      pageCount: 8,
    });
    expect(document.pages.map((page) => page.number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    const page = document.pages[4]?.text ?? "";
    expect(page).toMatch(/^## Alarms and what to do\n\nAn alarm is sent once/);
    expect(page).toContain("A4 Cell fouled Wiper current above 180 mA Clean the conductivity cell");
    expect(page).toContain("\n\n### When several alarms come at once\n\nThree or more buoys");
  });

  it("reads Chinese from a Word document", async () => {
    const document = await sample("installation-guide-zh.docx");
    expect(document).toMatchObject({
      format: "docx",
      title: "Kelpline 浮标安装指南",
      pageCount: null,
    });
    const text = document.pages[0]?.text ?? "";
    expect(text).toContain("## 冬季存放\n\n结冰之前应将浮标收回。");
    expect(text).toContain("| 更换电池 | 每两年 | 服务中心 |");
  });

  it("reads headings, a table and list items from a Word document", async () => {
    const text = (await sample("security-review.docx")).pages[0]?.text ?? "";
    expect(text).toMatch(/^# Shoreline gateway security review\n\nReviewed in March 2031/);
    expect(text).toContain(
      "| Finding | Severity | Owner | Due |\n| --- | --- | --- | --- |\n| S-1 Default password",
    );
    expect(text).toMatch(/- Ship every gateway .*\n- Check the signature .*\n- Change radio keys/);
  });

  it("reads slides as pages, with their notes and tables", async () => {
    const document = await sample("launch-deck.pptx");
    expect(document).toMatchObject({ format: "pptx", pageCount: 5 });
    expect(document.pages[1]?.text).toMatch(
      /^# Why now\n\n- Fourteen harbours .*\n- The only rival .*\n- Adaptive sampling .*\n\nMention the letter .*spring\.$/,
    );
    expect(document.pages[4]?.text).toContain("| Certification | 0.9 M kr | 1.1 M kr |");
  });

  it("reads sheets as pages, each a pipe table under its name", async () => {
    const document = await sample("price-list.xlsx");
    expect(document).toMatchObject({
      format: "xlsx",
      title: "Kelpline price list 2031",
      pageCount: 2,
    });
    expect(document.pages[0]?.text).toMatch(
      /^# Articles\n\n\| Article \| Description \| Price in kroner \| Delivery \|\n\| --- \|/,
    );
    expect(document.pages[1]?.text).toContain("| 25 and more | 14 % |");
  });

  it("reads HTML as Markdown and leaves out what is not content", async () => {
    const document = await sample("faq.html");
    expect(document).toMatchObject({ format: "html", title: "Kelpline questions and answers" });
    const text = document.pages[0]?.text ?? "";
    expect(text).toContain("### What does a year of data cost?\n\n| Plan | Readings per hour |");
    expect(text).toContain("1. Lift the buoy by its crown");
    expect(text).toContain("```sh\ncurl http://shoreline.local/");
    expect(text).not.toMatch(/analytics|font-family|Products/);
  });

  it("keeps Markdown, text and code as they are", async () => {
    const read = (name: string) =>
      readFile(new URL(`../../../samples/${name}`, import.meta.url), "utf8");
    const markdown = await sample("release-notes.md");
    expect(markdown.title).toBe("Kelpline firmware release notes");
    expect(markdown.pages[0]?.text).toBe(await read("release-notes.md"));
    const text = await sample("incident-report.txt");
    expect(text.format).toBe("text");
    expect(text.pages[0]?.text).toBe(await read("incident-report.txt"));
    const code = await sample("telemetry-buffer.ts");
    expect(code).toMatchObject({ format: "code", language: "typescript", pageCount: null });
    expect(code.pages[0]?.text).toBe(await read("telemetry-buffer.ts"));
  });
});

describe("what a file is", () => {
  it("is told by its content, whatever its name says", async () => {
    const page = await pdf((document) => document.text("Content wins."));
    expect(await extract("report.txt", page)).toMatchObject({ format: "pdf", pageCount: 1 });
    const word = zip(docxParts("<w:p><w:r><w:t>Content wins.</w:t></w:r></w:p>"));
    expect((await extract("archive.zip", word)).format).toBe("docx");
  });
});

describe("a PDF", () => {
  it("leaves out pages without text and keeps the numbers of the others", async () => {
    const file = await pdf((document) => {
      document.text("First.").addPage().addPage().text("Third.");
    });
    const document = await extract("a.pdf", file);
    expect(document.pageCount).toBe(3);
    expect(document.pages.map((page) => page.number)).toEqual([1, 3]);
  });

  it("does not take a line of its text for structure", async () => {
    const file = await pdf((document) => document.text("# not a heading\n```\nnot a fence"));
    const text = (await extract("a.pdf", file)).pages[0]?.text;
    expect(text).toBe("\\# not a heading\n\\```\nnot a fence");
  });

  it("is read whole and in order when it is long", async () => {
    const words = Array.from({ length: 500 }, (_, index) => `word${index}`).join(" ");
    const file = await pdf(
      (document) => {
        for (let page = 1; page <= 61; page++) {
          if (page > 1) document.addPage();
          document.fontSize(18).text(`Chapter ${page}`).fontSize(11).text(words);
        }
      },
      { compress: false },
    );
    const document = await extract("long.pdf", file);
    expect(document.pages.map((page) => page.number)).toEqual(
      Array.from({ length: 61 }, (_, index) => index + 1),
    );
    for (const page of document.pages) {
      expect(page.text).toMatch(new RegExp(`^# Chapter ${page.number}\\n\\nword0 word1 `));
      expect(page.text).toMatch(/word499$/);
    }
  });
});
