import fc from "fast-check";
import { zipSync } from "fflate";
import { expect, test } from "vitest";
import { InvalidInput } from "../errors.ts";
import { zipStream } from "../export/zip.ts";
import { MAX_BUNDLE_FILES } from "./format.ts";
import { readZip, strayByte } from "./read-zip.ts";

async function made(files: readonly (readonly [path: string, bytes: Uint8Array])[]) {
  const entries = async function* () {
    for (const [path, bytes] of files) yield { path, bytes };
  };
  return Buffer.from(await new Response(zipStream(entries())).arrayBuffer());
}

const path = fc.stringMatching(/^[a-z][a-z0-9_%~-]{0,8}(?:\/[a-z0-9][a-z0-9.]{0,5}[a-z0-9]){0,2}$/);
const files = fc.uniqueArray(fc.tuple(path, fc.uint8Array({ maxLength: 200 })), {
  selector: ([name]) => name,
  minLength: 1,
  maxLength: 8,
});

test("what was written is read, and nothing else is in the container", async () => {
  await fc.assert(
    fc.asyncProperty(files, async (all) => {
      const zip = await made(all);
      const read = readZip(zip);
      expect([...read]).toEqual(all.map(([name, bytes]) => [name, bytes]));
      expect(await strayByte(zip, read)).toBeNull();
    }),
  );
});

test("any flipped bit is refused, found in the container, or seen in the bytes of a file", async () => {
  await fc.assert(
    fc.asyncProperty(files, fc.nat(), fc.nat(7), async (all, n, bit) => {
      const zip = await made(all);
      const at = n % zip.length;
      zip[at] = (zip[at] ?? 0) ^ (1 << bit);
      let read: ReturnType<typeof readZip>;
      try {
        read = readZip(zip);
      } catch (error) {
        expect(error).toBeInstanceOf(InvalidInput);
        return;
      }
      const stray = await strayByte(zip, read);
      const same = all.every(
        ([name, bytes]) => Buffer.compare(read.get(name) ?? Buffer.from("?"), bytes) === 0,
      );
      expect(stray !== null || !same).toBe(true);
    }),
    { numRuns: 300 },
  );
});

test("whatever bytes come, they are read or refused", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      try {
        readZip(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(InvalidInput);
      }
    }),
  );
});

test("as many files as a bundle may have are read, and one more is not", async () => {
  const many = (count: number) =>
    made(Array.from({ length: count }, (_, i) => [`f${i}`, new Uint8Array()] as const));
  expect(readZip(await many(MAX_BUNDLE_FILES)).size).toBe(MAX_BUNDLE_FILES);
  const more = await many(MAX_BUNDLE_FILES + 1);
  expect(() => readZip(more)).toThrow("more files than a bundle can have");
});

test("a bomb is not unpacked, and neither is a name that leads away or comes twice", async () => {
  const bomb = zipSync({ "a.json": new Uint8Array(50_000_000) });
  expect(() => readZip(bomb)).toThrow("a.json is compressed");
  for (const name of ["../up", "/root", "a/../b", "a//b", "a/", "a\\b", "ä", "a b", "./a"]) {
    const zip = zipSync({ [name]: [Buffer.from("x"), { level: 0 }] });
    expect(() => readZip(zip), name).toThrow("is none of ours");
  }
  const twice = await made([
    ["a", Buffer.from("1")],
    ["a", Buffer.from("2")],
  ]);
  expect(() => readZip(twice)).toThrow("a is there twice");
  // One that says it is larger than all of the ZIP, uncompressed: no room is made for it.
  const liar = await made([["a", Buffer.from("1")]]);
  const directory = liar.indexOf(Buffer.from("PK\x01\x02"));
  liar.writeUInt32LE(0x7fffffff, directory + 20);
  liar.writeUInt32LE(0x7fffffff, directory + 24);
  expect(() => readZip(liar)).toThrow("larger than there is room for");
});
