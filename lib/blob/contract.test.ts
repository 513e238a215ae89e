import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FileRefused, InvalidInput, NotFound, Unavailable } from "#lib/errors.ts";
import { type FakeVercelBlob, startFakeVercelBlob, TOKEN } from "../../test/servers/vercel-blob.ts";
import { localBlobStore } from "./local.ts";
import { type BlobStore, checkKey } from "./port.ts";
import { removeStaleSpools } from "./spool.ts";
import { vercelBlobStore } from "./vercel.ts";

let dir: string;
let vercel: FakeVercelBlob;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "blob-"));
  vercel = await startFakeVercelBlob();
});
afterAll(async () => {
  await vercel.close();
  await rm(dir, { recursive: true, force: true });
});

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
async function* content(...chunks: Uint8Array[]) {
  yield* chunks;
}
async function* broken() {
  yield Buffer.from("half");
  throw new Error("connection lost");
}

const adapters: Record<string, () => BlobStore> = {
  local: () => localBlobStore(join(dir, "blobs")),
  vercel: () => vercelBlobStore(TOKEN, join(dir, "spool")),
};

describe.each(Object.entries(adapters))("%s blob store", (name, open) => {
  it("gives back what was put", async () => {
    const store = open();
    const bytes = randomBytes(100_000);
    const hash = sha256(bytes);
    const chunks = [bytes.subarray(0, 70_000), bytes.subarray(70_000)];
    expect(await store.put("runs/r1/output.json", content(...chunks))).toEqual({
      key: "runs/r1/output.json",
      size: 100_000,
      sha256: hash,
    });
    expect(sha256(await buffer(await store.get("runs/r1/output.json")))).toBe(hash);
    await store.getToFile("runs/r1/output.json", join(dir, "copy"));
    expect(sha256(await readFile(join(dir, "copy")))).toBe(hash);
    expect(await store.head("runs/r1/output.json")).toEqual({ size: 100_000 });
  });

  it("keeps the bytes of a content that needs several requests", async () => {
    const bytes = randomBytes(17 * 1024 * 1024 + 1);
    const store = open();
    await store.put("big", content(bytes));
    expect(sha256(await buffer(await store.get("big")))).toBe(sha256(bytes));
  });

  it("replaces, repeats and stores nothing at all as an empty blob", async () => {
    const store = open();
    for (const text of ["one", "two", "two", ""]) {
      await store.put("again", content(Buffer.from(text)));
      expect((await buffer(await store.get("again"))).toString()).toBe(text);
    }
  });

  it("leaves the key and the spool as they were when a put fails", async () => {
    const store = open();
    const before = Buffer.from("before");
    await store.put("kept", content(before));
    const other = Buffer.from("other content");
    const refused = (code: string) => expect.objectContaining({ name: "FileRefused", code });
    await expect(store.put("kept", content(other), { maxBytes: 12 })).rejects.toEqual(
      refused("too_large"),
    );
    await expect(store.put("kept", content(other), { sha256: sha256(before) })).rejects.toEqual(
      refused("hash_mismatch"),
    );
    await expect(store.put("kept", content(other), { size: 12 })).rejects.toBeInstanceOf(
      FileRefused,
    );
    await expect(store.put("kept", broken())).rejects.toThrow("connection lost");
    await expect(store.put("../out", content(other))).rejects.toBeInstanceOf(InvalidInput);
    expect((await buffer(await store.get("kept"))).toString()).toBe("before");
    const spool = join(dir, name === "local" ? "blobs/.spool" : "spool");
    expect(await readdir(spool)).toEqual([]);
  });

  it("stops reading a content that is over its limit", async () => {
    let produced = 0;
    async function* endless() {
      for (;;) {
        produced += 65_536;
        yield new Uint8Array(65_536);
      }
    }
    await expect(open().put("endless", endless(), { maxBytes: 1_000_000 })).rejects.toMatchObject({
      code: "too_large",
    });
    expect(produced).toBeLessThan(2_000_000);
  });

  it("says NotFound before the first byte, and null for the head", async () => {
    const store = open();
    await expect(store.get("no/such")).rejects.toBeInstanceOf(NotFound);
    await writeFile(join(dir, "untouched"), "x");
    await expect(store.getToFile("no/such", join(dir, "untouched"))).rejects.toBeInstanceOf(
      NotFound,
    );
    expect(await readFile(join(dir, "untouched"), "utf8")).toBe("x");
    expect(await store.head("no/such")).toBeNull();
  });

  it("deletes a key or a whole prefix, twice, and nothing beside it", async () => {
    const store = open();
    const keys = ["d/a/1", "d/a/x/2", "d/ab/3", "d/4"];
    for (const key of keys) await store.put(key, content(Buffer.from(key)));
    const present = async () => {
      const found = await Promise.all(keys.map((key) => store.head(key)));
      return keys.filter((_, at) => found[at]);
    };
    const { blobs, bytes } = await store.usage("d");
    expect({ blobs, bytes: bytes > 0 }).toEqual({ blobs: 4, bytes: true });
    expect((await store.usage("d/a")).blobs).toBe(2);
    expect(await store.usage("d/none")).toEqual({ blobs: 0, bytes: 0 });
    for (const _ of [1, 2]) {
      await store.deletePrefix("d/a");
      expect(await present()).toEqual(["d/ab/3", "d/4"]);
    }
    for (const _ of [1, 2]) {
      await store.delete("d/4");
      expect(await present()).toEqual(["d/ab/3"]);
    }
  });
});

describe.each(Object.entries(adapters))("%s blob store", (_, open) => {
  it("lists the folders below a prefix, page by page", async () => {
    const store = open();
    const keys = ["f/a/1", "f/a/2", "f/b/x/1", "f/c/1", "f/d/1", "f/1", "fa/e/1"];
    for (const key of keys) await store.put(key, content(Buffer.from(key)));
    const seen: string[][] = [];
    let cursor: string | null = null;
    do {
      const page = await store.folders("f", { limit: 3, cursor });
      seen.push(page.names);
      cursor = page.cursor;
    } while (cursor !== null);
    expect(seen.flat()).toEqual(["a", "b", "c", "d"]);
    expect(Math.max(...seen.map(({ length }) => length))).toBeLessThanOrEqual(3);
    expect(seen.length).toBeGreaterThan(1);
    expect(await store.folders("none", { limit: 3, cursor })).toEqual({ names: [], cursor });
  });
});

describe("a blob key", () => {
  it.each([
    "",
    "/",
    "/a",
    "a/",
    "a//b",
    ".",
    "..",
    "a/../b",
    "a/./b",
    ".spool/x",
    "a\\..\\b",
    "a b",
  ])("is never %j", (key) => expect(() => checkKey(key)).toThrow(InvalidInput));

  it("stays inside the store whatever it is", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("a", ".", "/", "\\", "\0", "%", "é", "-") }),
        (key) => {
          try {
            checkKey(key);
          } catch {
            return true; // refused is fine
          }
          return join("/root", key) === `/root/${key}` && !key.includes("\0");
        },
      ),
    );
  });
});

describe("the vercel adapter", () => {
  it("keeps every blob private and asks for it past the cache", async () => {
    const store = vercelBlobStore(TOKEN, join(dir, "spool"));
    await store.put("private", content(Buffer.from("x")));
    await buffer(await store.get("private"));
    expect(vercel.requests.some((r) => r.access === "private" && r.method === "PUT")).toBe(true);
    expect(vercel.requests.filter((r) => r.access === "public")).toEqual([]);
    expect(vercel.requests.at(-1)).toMatchObject({ method: "GET", url: "/private?cache=0" });
  });

  it.each([500, 403, 429])("is Unavailable on status %i and stores nothing", async (status) => {
    const store = vercelBlobStore(TOKEN, join(dir, "spool"));
    vercel.fail(status);
    try {
      await expect(store.put("faulted", content(Buffer.from("x")))).rejects.toBeInstanceOf(
        Unavailable,
      );
      await expect(store.get("faulted")).rejects.toBeInstanceOf(Unavailable);
      await expect(store.head("faulted")).rejects.toBeInstanceOf(Unavailable);
    } finally {
      vercel.fail(null);
    }
    expect(await store.head("faulted")).toBeNull();
    expect(await readdir(join(dir, "spool"))).toEqual([]);
  });
});

describe("stale spools", () => {
  it("go after a day, younger ones stay", async () => {
    const spool = join(dir, "stale");
    await removeStaleSpools(spool);
    const now = Date.now();
    for (const [file, age] of [
      ["old.part", 25],
      ["young.part", 23],
    ] as const) {
      await writeFile(join(spool, file), "x");
      const time = new Date(now - age * 3_600_000);
      await utimes(join(spool, file), time, time);
    }
    await removeStaleSpools(spool, now);
    expect(await readdir(spool)).toEqual(["young.part"]);
    expect(existsSync(join(spool, "old.part"))).toBe(false);
  });
});
