import { buffer } from "node:stream/consumers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Content } from "#lib/blob/port.ts";
import { InvalidInput } from "#lib/errors.ts";
import { filePart } from "./multipart.ts";

const TYPE = "multipart/form-data; boundary=XX";

async function* inPieces(
  bytes: Buffer,
  sizes: readonly number[] = [7],
): Content & AsyncGenerator<Buffer> {
  for (let at = 0, piece = 0; at < bytes.length; piece += 1) {
    const size = Math.max(1, sizes[piece % sizes.length] ?? 1);
    yield bytes.subarray(at, at + size);
    at += size;
  }
}
const part = (disposition: string, content: string, more = "") =>
  `--XX\r\nContent-Disposition: form-data; ${disposition}\r\n${more}\r\n${content}\r\n`;
const read = async (form: string | Buffer, type = TYPE, sizes?: readonly number[]) => {
  const found = await filePart(type, inPieces(Buffer.from(form), sizes));
  return { ...found, content: (await buffer(found.content)).toString() };
};

describe("a form", () => {
  it("gives its file, name and type, whatever fields surround it", async () => {
    const file = part(
      'name="file"; filename="a b.txt"',
      "hello\r\n--X",
      "Content-Type: Text/Plain; x=y\r\n",
    );
    const form = `preamble\r\n${part('name="x"', "1")}${file}${part('name="y"', "2")}--XX--\r\nrest`;
    expect(await read(form)).toEqual({
      name: "a b.txt",
      mimeType: "text/plain",
      content: "hello\r\n--X",
    });
  });

  it.each([
    ['filename="résumé 履歴.pdf"', "résumé 履歴.pdf"],
    ['filename="a%22b.txt"', 'a"b.txt'],
    ['filename="a\\"b.txt"', 'a"b.txt'],
    ["filename=plain.txt", "plain.txt"],
    ['filename=""', ""],
  ])("with %s has the name %j", async (disposition, name) => {
    expect((await read(`${part(`name="f"; ${disposition}`, "x")}--XX--`)).name).toBe(name);
  });

  it("is what fetch sends", async () => {
    const data = new FormData();
    data.set("note", "n");
    data.set("file", new File(["content"], "a.md", { type: "text/markdown" }));
    const request = new Request("http://x/", { method: "POST", body: data });
    const body = Buffer.from(await request.clone().arrayBuffer());
    const type = request.headers.get("content-type") ?? "";
    expect(await read(body, type)).toEqual({
      name: "a.md",
      mimeType: "text/markdown",
      content: "content",
    });
  });

  it.each<[string, string, string]>([
    ["no boundary", "multipart/form-data", ""],
    ["too long a boundary", `multipart/form-data; boundary=${"x".repeat(71)}`, ""],
    ["nothing", TYPE, ""],
    ["no file", TYPE, `${part('name="x"', "1")}--XX--`],
    ["no last boundary", TYPE, part('name="f"; filename="a"', "cut")],
    ["a cut header", TYPE, "--XX\r\nContent-Dispo"],
    ["a second file", TYPE, `${part('name="f"; filename="a"', "1").repeat(2)}--XX--`],
    ["no line end after a boundary", TYPE, "--XX Content-Disposition"],
    ["endless headers", TYPE, `--XX\r\n${"a: b\r\n".repeat(2000)}\r\n`],
    ["an endless preamble", TYPE, "x".repeat(70_000)],
    ["a large field", TYPE, `${part('name="x"', "1".repeat(70_000))}--XX--`],
  ])("with %s is refused", async (_, type, form) => {
    await expect(read(form, type, [4096])).rejects.toBeInstanceOf(InvalidInput);
  });

  it("keeps every byte of any content in any pieces", async () => {
    const bits = fc.constantFrom("\r", "\n", "-", "--XX", "\r\n--", "\r\n--X", "XX", "a");
    const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(fc.array(bits), sizes, async (pieces, at) => {
        const content = pieces.join("");
        fc.pre(!`\r\n${content}`.includes("\r\n--XX"));
        const form = `${part('name="f"; filename="a"', content)}--XX--`;
        expect((await read(form, TYPE, at)).content).toBe(content);
      }),
    );
  });

  it("lets go of the body when its reader stops", async () => {
    let closed = false;
    async function* body() {
      try {
        yield Buffer.from(part('name="f"; filename="a"', "x".repeat(1000)));
        for (;;) yield Buffer.from("more");
      } finally {
        closed = true;
      }
    }
    const { content } = await filePart(TYPE, body());
    for await (const _ of content) break;
    expect(closed).toBe(true);
  });
});
