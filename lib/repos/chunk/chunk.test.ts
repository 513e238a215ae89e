import { hash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { countTokens } from "../../ingest/chunk/tokens.ts";
import { codeBreaks } from "./breaks.ts";
import { chunkSource } from "./chunk.ts";
import type { CodeChunk, SourceFile } from "./source.ts";
import { chunkFiles } from "./threads.ts";

const utf8 = (text: string) => Buffer.from(text, "utf8");
const file = (path: string, text: string, language = "typescript"): SourceFile => {
  return { path, language, bytes: utf8(text) };
};

async function chunksOf(source: SourceFile): Promise<readonly CodeChunk[]> {
  const { chunks, skipped } = await chunkSource(source);
  if (!chunks) throw new Error(`skipped: ${skipped}`);
  return chunks;
}

/** A function of `lines` statements, some 12 tokens each. */
function fn(name: string, lines: number): string {
  const body = Array.from(
    { length: lines },
    (_, i) => `  const value${i} = compute(${i}, "${name}");`,
  );
  return [`/** What ${name} does. */`, `export function ${name}() {`, ...body, "}", ""].join("\n");
}

describe("boundaries", () => {
  test("a chunk begins at a declaration with its comment, and a function that fits is whole", async () => {
    const names = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta"];
    const text = names.map((name) => fn(name, 14)).join("");
    const chunks = await chunksOf(file("src/a.ts", text));
    expect(chunks.length).toBeGreaterThan(2);
    for (const { text: chunk } of chunks) {
      const lines = chunk.slice("src/a.ts\n\n".length);
      expect(lines).toMatch(/^\/\*\* What \w+ does\. \*\//);
      expect(lines).toMatch(/\}$/);
    }
  });

  test("blank lines within a function are no better than its end, which lines alone would not know", async () => {
    const gappy = (name: string) => fn(name, 16).replaceAll(";\n", ";\n\n");
    const text = `${gappy("one")}${gappy("two")}${gappy("three")}`;
    const chunks = await chunksOf(file("src/a.ts", text));
    for (const { text: chunk } of chunks) expect(chunk).toMatch(/^src\/a\.ts\n\n\/\*\* What/);
  });

  test.each([
    [
      "python",
      "a.py",
      (n: string) =>
        `@decorated\ndef ${n}(x):\n${`    x = x + 1  # ${n}\n`.repeat(28)}    return x\n\n`,
      /^@decorated\n/,
    ],
    [
      "go",
      "a.go",
      (n: string) =>
        `// ${n} does.\nfunc ${n}(x int) int {\n${`\tx = x + 1 // ${n}\n`.repeat(30)}\treturn x\n}\n\n`,
      /^\/\/ \w+ does\.\n/,
    ],
    [
      "rust",
      "a.rs",
      (n: string) =>
        `#[inline]\nfn ${n}(mut x: i32) -> i32 {\n${`    x = x + 1; // ${n}\n`.repeat(28)}    x\n}\n\n`,
      /^#\[inline\]\n/,
    ],
    [
      "java",
      "A.java",
      (n: string) => `/** ${n} */\nclass ${n} {\n${`  int f = 1 + 1; // ${n}\n`.repeat(28)}}\n\n`,
      /^\/\*\* \w+ \*\/\n/,
    ],
    [
      "c",
      "a.c",
      (n: string) =>
        `/* ${n} */\nint ${n}(int x) {\n${`  x = x + 1; // ${n}\n`.repeat(30)}  return x;\n}\n\n`,
      /^\/\* \w+ \*\/\n/,
    ],
    [
      "ruby",
      "a.rb",
      (n: string) => `# ${n}\ndef ${n}(x)\n${`  x = x + 1 # ${n}\n`.repeat(30)}  x\nend\n\n`,
      /^# \w+\n/,
    ],
  ])("of %s", async (language, path, make, begins) => {
    const text = ["alpha", "beta", "gamma", "delta"].map(make).join("");
    const chunks = await chunksOf(file(path, text, language));
    expect(chunks.length).toBeGreaterThan(1);
    for (const chunk of chunks) expect(chunk.text.slice(path.length + 2)).toMatch(begins);
  });

  test("without a grammar, and in what is too large to parse, lines have to do", async () => {
    const text = fn("alpha", 40);
    expect(await codeBreaks(text, { language: "kotlin", path: "a.kt" })).toBeNull();
    const huge = fn("alpha", 10_000);
    expect(await codeBreaks(huge, { language: "typescript", path: "a.ts" })).toBeNull();
    expect((await chunksOf(file("a.ts", huge))).length).toBeGreaterThan(200);
  });

  test("what does not parse is cut all the same", async () => {
    const text = "}}} function ((( class `${\n".repeat(400);
    expect((await chunksOf(file("a.ts", text))).length).toBeGreaterThan(1);
  });
});

test("chunks are whole lines in order that cover the text, within the cap, with the numbers of their lines", async () => {
  const line = fc.oneof(
    fc.constantFrom(
      "",
      "}",
      "  }",
      "class A {",
      "function f() {",
      "  x = 1;",
      "\t// ü 文",
      "@d",
      "`${",
      "#",
      "\u2028",
      "a\rb",
    ),
    fc.string({ unit: "grapheme", maxLength: 60 }).map((text) => text.replace(/\0/g, "")),
  );
  const texts = fc.array(line, { maxLength: 150 }).map((lines) => lines.join("\n"));
  const language = fc.constantFrom("typescript", "python", "go", "markdown");
  await fc.assert(
    fc.asyncProperty(texts, language, async (text, name) => {
      const { chunks } = await chunkSource({ path: "p", language: name, bytes: utf8(text) });
      if (!chunks) return;
      const lines = text.replace(/^\ufeff/, "").split("\n");
      let last = 0;
      for (const { lineStart, lineEnd, text: chunk } of chunks) {
        expect(lineStart).toBeGreaterThan(last);
        expect(countTokens(chunk)).toBeLessThanOrEqual(512);
        expect(
          lines
            .slice(last, lineStart - 1)
            .join("")
            .trim(),
        ).toBe("");
        const own = lines.slice(lineStart - 1, lineEnd).join("\n");
        expect(own.trim()).toBe(chunk.slice(3).trim());
        last = lineEnd;
      }
      expect(lines.slice(last).join("").trim()).toBe("");
    }),
    { numRuns: 150 },
  );
});

describe("what is not indexed", () => {
  const key = `ghp_${"a1B2".repeat(9)}`;
  test.each<[string, Buffer]>([
    [
      "lfs_pointer",
      utf8(`version https://git-lfs.github.com/spec/v1\noid sha256:${"0".repeat(64)}\nsize 1\n`),
    ],
    ["binary", Buffer.from("PK\u0003\u0004\0\0")],
    ["invalid_utf8", Buffer.from([0x61, 0xff, 0x62])],
    ["empty", utf8(" \n\t\n")],
    ["generated", utf8("// Code generated by protoc. DO NOT EDIT.\npackage a\n")],
    ["generated", utf8(`var a=${"1+".repeat(4000)}1;`)],
    ["secret", utf8(`const token = "${key}";\n`)],
    [
      "secret",
      utf8(`-----BEGIN RSA PRIVATE KEY-----\n${"A".repeat(64)}\n-----END RSA PRIVATE KEY-----\n`),
    ],
  ])("%s", async (skipped, bytes) => {
    expect(await chunkSource({ path: "a.ts", language: "typescript", bytes })).toEqual({ skipped });
  });

  test("what only looks like a secret is taken out of what is kept, and hashed as it is", async () => {
    const line = 'const password = "correct-horse-7";';
    const [chunk] = await chunksOf(file("a.ts", `${line}\n`));
    expect(chunk?.text).toContain("const password = ");
    expect(chunk?.text).not.toContain("correct-horse");
    expect(chunk?.sha256).toBe(hash("sha256", line, "hex"));
  });
});

describe("threads", () => {
  async function* sources(files: readonly SourceFile[]) {
    for (const [key, source] of files.entries()) yield { key, file: source };
  }

  test("give the same as one does, each with its key, whatever order the languages come in", async () => {
    const languages = [
      ["ts", "typescript"],
      ["tsx", "typescript"],
      ["c", "c"],
      ["md", "markdown"],
    ] as const;
    const files = Array.from({ length: 48 }, (_, i) => {
      const [ending, language] = languages[i % languages.length] ?? languages[0];
      return file(`f${i}.${ending}`, fn(`f${i}`, (i * 5) % 80), language);
    });
    const alone: unknown[] = [];
    for (const source of files) alone.push(await chunkSource(source));
    const found = new Map<number, unknown>();
    for await (const { key, chunked } of chunkFiles(sources(files))) found.set(key, chunked);
    expect([...found.keys()].sort((x, y) => x - y)).toEqual([...files.keys()]);
    for (const [i, chunked] of alone.entries()) expect(found.get(i)).toEqual(chunked);
  });

  test("give back the memory of what they have read, unless others lie in it too", async () => {
    const text = utf8(fn("alone", 20));
    const own = Buffer.from(new Uint8Array(text).buffer);
    const part = Buffer.concat([text, text]).subarray(0, text.length);
    const files = [own, part].map((bytes) => ({ path: "a.ts", language: "typescript", bytes }));
    const chunked: unknown[] = [];
    for await (const done of chunkFiles(sources(files))) chunked.push(done.chunked);
    expect(chunked[0]).toEqual(chunked[1]);
    expect(own.byteLength).toBe(0);
    expect(part.equals(text)).toBe(true);
  });

  test("end when their caller stops, and pass on what the source throws", async () => {
    const files = Array.from({ length: 2000 }, (_, i) => file(`f${i}.ts`, fn("f", 60)));
    for await (const { key } of chunkFiles(sources(files))) {
      expect(key).toBeGreaterThanOrEqual(0);
      break;
    }
    async function* broken() {
      yield { key: 0, file: file("a.ts", "a") };
      throw new Error("no more files");
    }
    const all = async () => {
      for await (const { key } of chunkFiles(broken())) expect(key).toBe(0);
    };
    await expect(all()).rejects.toThrow("no more files");
  });
});
