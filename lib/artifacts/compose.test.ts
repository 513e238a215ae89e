import fc from "fast-check";
import { expect, test } from "vitest";
import type { FileChunk } from "../data/chunks.server.ts";
import { inline } from "../markdown.ts";
import { redactText } from "../redact.ts";
import { type PinnedCitation, pin } from "../retrieval/citations.ts";
import { compose } from "./compose.ts";
import { DEFAULT_KINDS, KIND, templateOf } from "./kinds.ts";

const chunk = {
  ...{ id: "c", fileId: "f", fileName: "manual [v2].pdf", fileSha256: "0".repeat(64) },
  ...{ extractionVersion: 1, contentSha256: "1".repeat(64), pageStart: 2, pageEnd: 3 },
} as FileChunk & { fileName: string };

const cite = (content: string, quote: string): PinnedCitation => {
  const pinned = pin({ ...chunk, content }, quote);
  if (!pinned) throw new Error(`${quote} is not in ${content}`);
  return pinned;
};

test("a quote is pinned where it stands, and not at all when it does not", () => {
  const text = fc.string({ unit: "binary" });
  fc.assert(
    fc.property(text, text, text, (before, quote, after) => {
      const content = before + quote + after;
      const pinned = pin({ ...chunk, content }, quote);
      const found = pinned && content.slice(pinned.startOffset, pinned.endOffset);
      expect(found).toBe(quote === "" ? null : quote);
      expect(pin({ ...chunk, content: before }, `${before}x`)).toBeNull();
    }),
  );
});

test("sections stand in the template's order, places are numbered as the text comes to them, each once", () => {
  const content = "The buoy floats. It must be serviced yearly.";
  const floats = cite(content, "The buoy floats.");
  const yearly = cite(content, "It must be serviced yearly.");
  const section = { heading: "H", guidance: "", queries: [] };
  const template = { title: "T", sections: ["a", "b", "c"].map((id) => ({ ...section, id })) };
  const statement = (text: string, ...citations: PinnedCitation[]) => ({ text, citations });
  const composed = compose(template, [
    { id: "c", model: null, statements: [statement("Both.", yearly, floats, yearly)] },
    { id: "a", model: null, statements: [statement("Yearly.", yearly)] },
  ]);
  expect(composed.citations).toEqual([yearly, floats]);
  const texts = composed.metadata.sections.map(({ id, start, end }) => [
    id,
    composed.content.slice(start, end),
  ]);
  expect(texts).toEqual([
    ["a", "Yearly. [1]"],
    ["b", "The project's documents do not answer this."],
    ["c", "Both. [1][2]"],
  ]);
  expect(composed.content).toContain(
    "1. manual \\[v2\\].pdf, pages 2-3: “It must be serviced yearly.”",
  );
});

test("every model that wrote a section is named", () => {
  const section = { heading: "H", guidance: "", queries: [] };
  const template = { title: "T", sections: ["a", "b", "c"].map((id) => ({ ...section, id })) };
  const by = (...models: (string | null)[]) =>
    compose(
      template,
      models.map((model, at) => ({ id: "abc"[at] ?? "", model, statements: [] })),
    );
  expect(by(null, "one", "one").content).toContain("Written by the language model one;");
  expect(by("one", null, "two").content).toContain("Written by the language models one, two;");
  expect(by("one", "two", "one").metadata.model).toBe("one, two");
  expect(by(null, null, null).metadata.model).toBeNull();
});

test("an artifact says that it was changed as asked when a model was, and not when none was", () => {
  const sections = [{ heading: "H", guidance: "", queries: [], id: "a" }];
  const by = (model: string | null) =>
    compose({ title: "T", sections }, [{ id: "a", model, statements: [] }], "Say it in feet")
      .content;
  expect(by("one")).toContain("> Changed as asked: Say it in feet");
  expect(by(null)).not.toContain("asked");
  expect(by(null)).not.toContain("feet");
});

test("a title or instruction that looks like a secret is redacted before sections are counted", () => {
  const floats = cite("The buoy floats.", "The buoy floats.");
  const sections = [{ heading: "H", guidance: "", queries: [], id: "a" }];
  const statements = [{ text: "The buoy floats.", citations: [floats] }];
  const words = ["Authorization:", "Bearer", "password:", "hunter2Xk39zz", "[redacted:header]"];
  const more = ["\n", "AKIAIOSFODNN7EXAMPLE", "-----BEGIN PRIVATE KEY-----", "token =", "is", '"'];
  const text = fc.array(fc.constantFrom(...words, ...more), { maxLength: 8 });
  fc.assert(
    fc.property(text, text, (title, instruction) => {
      const template = { title: title.join(" ").replaceAll("\n", ""), sections };
      const checked = [{ id: "a", model: "one", statements }];
      const { content, metadata } = compose(template, checked, instruction.join(" "));
      expect(redactText(content)).toBe(content);
      expect(redactText(metadata.title)).toBe(metadata.title);
      const [only] = metadata.sections;
      expect(content.slice(only?.start, only?.end)).toBe("The buoy floats. [1]");
    }),
    { examples: [[["T"], ["Use this password:\nhunter2Xk39zz"]]] },
  );
});

test("text of others stays on its line and makes nothing but text", () => {
  // What CommonMark takes for the beginning of a block, and what opens a link, HTML or a code span.
  const block = /^(?: {0,3}(?:#|>|[-+*=~_]|[0-9]+[.)](?:\s|$)))/;
  const open = /(?<!\\)(?:\\\\)*[[\]<>`*_|]/;
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(..."#>-+*=~_`[]()<>|\\!1. \n\tab中") }),
      (text) => {
        const shown = inline(text);
        expect(shown).not.toMatch(/[\n\r]/);
        expect(shown).not.toMatch(block);
        expect(shown).not.toMatch(open);
        const unescaped = shown.replace(/\\([\\`*_[\]<>|#+\-=~.)])/g, "$1");
        expect(unescaped).toBe(text.replace(/\s+/g, " ").trim());
      },
    ),
    { numRuns: 500 },
  );
});

test("control characters, which a model may write and PostgreSQL refuses, are blanks", () => {
  expect(inline("\u0000The buoy\u0000\u001b floats.\u0085")).toBe("The buoy floats.");
});

test("every kind that may be asked for has a template with sections of different ids", () => {
  for (const kind of [...DEFAULT_KINDS, "ADR_0007_STORAGE", "SPEC_X"]) {
    expect(kind).toMatch(KIND);
    const ids = templateOf(kind).sections.map(({ id }) => id);
    expect(ids.length).toBeGreaterThan(2);
    expect(new Set(ids).size).toBe(ids.length);
  }
  expect(templateOf("ADR_0007_STORAGE").sections[0]?.queries).toEqual([
    "storage background and reasons",
  ]);
  expect(() => templateOf("NOVEL")).toThrow(RangeError);
});
