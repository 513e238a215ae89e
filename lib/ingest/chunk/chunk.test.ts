import { describe, expect, test } from "vitest";
import type { ExtractedDocument, Format } from "../document.ts";
import { chunkDocument } from "./chunk.ts";
import { countTokens } from "./tokens.ts";

const identity = { fileId: "file_1", fileSha256: "a".repeat(64), extractionVersion: 1 };

function documentOf(format: Format, ...texts: string[]): ExtractedDocument {
  const pages = texts.map((text, i) => ({ number: i + 1, text }));
  return { format, title: "Guide", pageCount: texts.length > 1 ? texts.length : null, pages };
}

function chunksOf(format: Format, ...texts: string[]) {
  return [...chunkDocument(documentOf(format, ...texts), identity)];
}

/** `count` lines of about 11 tokens each. */
function lines(count: number, line = (i: number) => `Line ${i} says what line ${i} has to say.`) {
  return Array.from({ length: count }, (_, i) => line(i)).join("\n");
}

describe("headings", () => {
  test("start a chunk and lead it; headings without text stay with the text below them", () => {
    const text =
      "# Guide\n\n## Install\n\nRun it.\n\n### On Linux\n\nAs root.\n\n## Use\nSee below.\n";
    expect(chunksOf("markdown", text).map((c) => [c.breadcrumbs, c.content])).toEqual([
      ["Guide > Install", "# Guide\n\n## Install\n\nRun it."],
      ["Guide > Install > On Linux", "### On Linux\n\nAs root."],
      ["Guide > Use", "## Use\nSee below."],
    ]);
  });

  test("are only text in plain text, in code and in a fence", () => {
    const text = "one\n# two\nthree";
    for (const format of ["text", "code"] as const) {
      expect(chunksOf(format, text).map((c) => c.content)).toEqual([text]);
    }
    const fenced = "```sh\n# not a heading\n```";
    expect(chunksOf("markdown", fenced).map((c) => c.breadcrumbs)).toEqual(["Guide"]);
  });

  test("as long as they like leave the content its room", () => {
    const title = "very long heading ".repeat(500);
    const path = [1, 2, 3, 4, 5, 6].map((level) => `${"#".repeat(level)} ${level} ${title}`);
    const [first] = chunksOf("markdown", `${path[0]}\n`);
    expect(first?.breadcrumbs.startsWith("Guide > 1 very long heading")).toBe(true);
    for (const chunk of chunksOf("markdown", [...path, lines(100)].join("\n"))) {
      expect(countTokens(chunk.breadcrumbs)).toBeLessThanOrEqual(96);
      expect(chunk.tokenCount).toBeLessThanOrEqual(512);
    }
  });
});

describe("what is kept whole", () => {
  test("a fence that fits one chunk, whatever stands before it", () => {
    const fence = `\`\`\`js\n${lines(30, (i) => `call(${i});\n`)}\n\`\`\``;
    const chunks = chunksOf("markdown", `${lines(25)}\n\n${fence}\n\n${lines(25)}`);
    expect(chunks.some((chunk) => chunk.content.includes(fence))).toBe(true);
  });

  test("lines of a fence over the cap; the next heading counts again", () => {
    const fence = `\`\`\`\n${lines(90)}\n\`\`\``;
    const chunks = chunksOf("markdown", `${fence}\n# Next\ntext`);
    expect(chunks.length).toBeGreaterThan(2);
    for (const chunk of chunks.slice(1, -1)) expect(chunk.content).toMatch(/^Line .*\.(\n```)?$/s);
    expect(chunks.at(-1)).toMatchObject({ breadcrumbs: "Guide > Next", content: "# Next\ntext" });
  });

  test("its lines stay code when they are read again behind it, as far as the next fence", () => {
    const code = (count: number) => lines(count, (i) => `run-tool --option-${i} --other /srv/${i}`);
    const json = lines(20, (i) => `{"k${i}": "value number ${i}", "list": [1,2,3,${i}]},`);
    const behind = `The answer:\n\`\`\`json\n${json}\n\`\`\`\n\nText.\n\n## Afterwards\n\nMore.`;
    for (let count = 40; count < 60; count++) {
      const fence = `\`\`\`bash\n${code(count)}\n\n# Restart the machine\n${code(3)}\n\`\`\``;
      const chunks = chunksOf("markdown", `# Guide\n\n## Setup\n\n${fence}\n${behind}`);
      const paths = new Set(chunks.map((chunk) => chunk.breadcrumbs));
      expect([...paths]).toEqual(["Guide > Setup", "Guide > Afterwards"]);
    }
  });

  test("table rows", () => {
    const table = lines(80, (i) => `| ${i} | value ${i} | some more words of row ${i} |`);
    const chunks = chunksOf("xlsx", table);
    expect(chunks.length).toBeGreaterThan(1);
    for (const chunk of chunks) expect(chunk.content).toMatch(/^\| .* \|$/s);
  });
});

describe("where a chunk ends", () => {
  test("at the last paragraph or page break of its second half", () => {
    const chunks = chunksOf("pdf", lines(24), lines(24), lines(3));
    expect(chunks.map((c) => [c.pageStart, c.pageEnd])).toEqual([
      [1, 1],
      [2, 3],
    ]);
    const [first] = chunksOf("markdown", `${lines(22)}\n\n${lines(40)}`);
    expect(first?.content).toBe(lines(22));
  });

  test("in code before a declaration that follows a blank line", () => {
    const body = lines(14, (i) => `  const value${i} = compute(${i}, "text");`);
    const source = lines(5, (i) => `function f${i}() {\n${body}\n\n  return 1;\n}\n`);
    for (const chunk of chunksOf("code", source)) expect(chunk.content).toMatch(/^function f\d/);
  });

  test("inside a paragraph over the cap after a sentence, in Latin and in Chinese", () => {
    const english = "The ledger holds the claim until the provider answers. ".repeat(120);
    const chinese = "系统在执行每个更改之前都必须记录该更改。".repeat(120);
    for (const text of [english, chinese]) {
      const chunks = chunksOf("markdown", text);
      expect(chunks.length).toBeGreaterThan(2);
      for (const chunk of chunks) expect(chunk.content).toMatch(/[.。]$/);
    }
  });

  test("else after a word, else between characters, never within one", () => {
    for (const chunk of chunksOf("text", "word ".repeat(2000))) {
      expect(chunk.content).toMatch(/^word( word)*$/);
    }
    for (const family of ["👩‍👩‍👧‍👦", "e\u0301", "🇫🇷", "😀"]) {
      const chunks = chunksOf("text", family.repeat(2000));
      expect(chunks.length).toBeGreaterThan(1);
      for (const { content } of chunks) expect(content.replaceAll(family, "")).toBe("");
    }
  });
});

describe("ids", () => {
  const text = "# A\nsame\n# A\nsame\n# B\nother";
  const idsOf = (of = identity) =>
    [...chunkDocument(documentOf("markdown", text), of)].map((chunk) => chunk.id);

  test("are the same every time, also of content that comes twice", () => {
    expect(idsOf()).toEqual(idsOf());
    expect(new Set(idsOf()).size).toBe(3);
    for (const id of idsOf()) expect(id).toMatch(/^chunk_[0-9a-f]{32}$/);
  });

  test("differ with the file, its bytes and the extraction version", () => {
    const others = [
      { ...identity, fileId: "file_2" },
      { ...identity, fileSha256: "b".repeat(64) },
      { ...identity, extractionVersion: 2 },
    ];
    const ids = [identity, ...others].flatMap((each) => idsOf(each));
    expect(new Set(ids).size).toBe(12);
  });
});

/** Each of these is a megabyte; one that took quadratic time would take minutes. */
describe("takes linear time", () => {
  const size = 1_000_000;
  const hostile: Record<string, string> = {
    "one word": "a".repeat(size),
    "one line of words": "word ".repeat(size / 5),
    "blank lines": `${"\n".repeat(size)}end`,
    "blanks in a line": `x${" ".repeat(size)}x`,
    "one fence": `\`\`\`\n${"let x = 1;\n".repeat(size / 11)}\`\`\``,
    "fences that are never closed": "```a\n".repeat(size / 5),
    headings: "###### a b\n".repeat(size / 11),
    slashes: "/\n".repeat(size / 2),
    emojis: "😀".repeat(size / 2),
    "one character with many marks": `a${"\u0301".repeat(size)}`,
  };
  test.for(Object.entries(hostile))("%s", ([, text]) => {
    const start = process.cpuUsage().user;
    let end = 0;
    for (const chunk of chunkDocument(documentOf("markdown", text), identity))
      end = chunk.endOffset;
    expect(end).toBe(text.trimEnd().length);
    // Microseconds of processor time: 0.1 s on an idle machine, and room for a slow one.
    expect(process.cpuUsage().user - start).toBeLessThan(10_000_000);
  });
});
