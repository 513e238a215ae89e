import { expect, it } from "vitest";
import { extractHtml } from "./html.ts";
import { extractPlain } from "./text.ts";

const text = (bytes: Uint8Array, name = "a.txt") =>
  extractPlain(bytes, name, { format: "text" }).pages[0]?.text;

it("is NFKC in prose and verbatim in code, without control characters in both", () => {
  const source = Buffer.from("\ufeffﬁsh\u0000 Ｋ２\r\nnext\u000bx\u2028y");
  expect(text(source)).toBe("fish K2\nnextx\ny");
  const code = extractPlain(source, "a.c", { format: "code", language: "c" });
  expect(code).toMatchObject({ format: "code", language: "c", pageCount: null });
  expect(code.pages[0]?.text).toBe("ﬁsh Ｋ２\nnextx\ny");
});

it("is decoded from UTF-16, with and without a mark, and from Windows-1252", () => {
  const utf16 = Buffer.from("\ufeffKelpline 浮标", "utf16le");
  expect(text(utf16)).toBe("Kelpline 浮标");
  expect(text(Buffer.from(utf16).swap16())).toBe("Kelpline 浮标");
  expect(text(Buffer.from("No mark here", "utf16le"))).toBe("No mark here");
  expect(text(Buffer.from("No mark here", "utf16le").swap16())).toBe("No mark here");
  expect(text(Buffer.from("Smörgåsbord for everybody", "latin1"))).toBe(
    "Smörgåsbord for everybody",
  );
});

it("is not taken for UTF-16 when it is short and its length is odd; a long one that is cut off is refused", () => {
  expect(text(Buffer.from("x\u0001\0"))).toBe("x");
  expect(text(Buffer.from("xa\0b\0"))).toBe("xab");
  const long = Buffer.from("浮标 and words. ".repeat(500), "utf16le");
  expect(() => text(long.subarray(0, -1))).toThrow(
    expect.objectContaining({ code: "unsupported" }),
  );
});

it("is refused when no encoding fits, rather than indexed as garbage", () => {
  const gb18030 = Buffer.from("b8a1b1eab0b2d7b0d6b8c4cf", "hex");
  expect(() => text(gb18030)).toThrow(expect.objectContaining({ code: "unsupported" }));
});

it("takes a page's title from its own element, else its first heading, never from an image or code", () => {
  const titleOf = (html: string) => extractHtml(Buffer.from(html), "a.html").title;
  const body = "<svg><title>Logo</title></svg><pre># install\nnpm i</pre><h2>Use</h2>";
  expect(titleOf(`<title>Guide</title>${body}`)).toBe("Guide");
  expect(titleOf(body)).toBe("Use");
  const long = titleOf(`<h1>${"a".repeat(509)}\u{1f600}</h1>`);
  expect(long).toBe("a".repeat(509));
});

it("takes a Markdown document's title from its first heading", () => {
  const markdown = (source: string) =>
    extractPlain(Buffer.from(source), "a.md", { format: "markdown" });
  expect(markdown("intro\n\n## Ｋ2 guide ##\n").title).toBe("K2 guide");
  expect(markdown("#hashtag\n")).not.toHaveProperty("title");
  const code = "```bash\n# first install\n~~~\n# or\n```\n";
  expect(markdown(`Install:\n\n${code}\n## Use ##\n`).title).toBe("Use");
  expect(markdown(`Install:\n\n${code}`)).not.toHaveProperty("title");
  // Several ways to end a long heading took the cube of its length.
  expect(markdown(`# a${" #".repeat(200_000)}!\n`).title).toMatch(/^a # #/);
});
