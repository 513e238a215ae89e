import { execFileSync } from "node:child_process";
import {
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  realpath,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve, sep } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, it } from "vitest";
import { isWorkPath } from "./names.ts";
import { readInside, writeInside } from "./paths.ts";

let dir: string;
let root: string;
beforeEach(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), "paths-")));
  root = join(dir, "work");
  await mkdir(join(root, "real"), { recursive: true });
  await mkdir(join(dir, "outside"));
  await writeFile(join(dir, "outside", "secret"), "secret");
  await writeFile(join(root, "real", "file"), "inside");
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const refused = { name: "InvalidInput" };

it("is a path below the top in one way only, whatever it is", () => {
  const part = fc.constantFrom(
    "a",
    "..",
    ".",
    "",
    "/",
    "\0",
    ".git",
    ".GiT",
    "é",
    "\\",
    "a b",
    "~",
  );
  fc.assert(
    fc.property(
      fc.array(part).map((parts) => parts.join("/")),
      (path) => {
        if (!isWorkPath(path)) return;
        expect(resolve("/top", path)).toBe(`/top/${path}`);
        expect(path.includes("\0")).toBe(false);
        expect(/(?:^|\/)\.git(?:\/|$)/i.test(path)).toBe(false);
      },
    ),
  );
});

it("reads through links that end inside, and none that end outside", async () => {
  await symlink("real", join(root, "link"));
  await symlink("../outside", join(root, "out"));
  await symlink(join(dir, "outside", "secret"), join(root, "absolute"));
  await symlink("/proc/self/environ", join(root, "proc"));
  await symlink("loop", join(root, "loop"));
  expect((await readInside(root, "link/file", 100)).toString()).toBe("inside");
  for (const path of ["out/secret", "absolute", "proc", "loop"])
    await expect(readInside(root, path, 100)).rejects.toMatchObject(refused);
  await expect(readInside(root, "real", 100)).rejects.toMatchObject(refused);
  await expect(readInside(root, "real/file", 5)).rejects.toMatchObject(refused);
  await expect(readInside(root, "none", 5)).rejects.toMatchObject({ name: "NotFound" });
});

it("does not wait for a pipe that nobody writes to", async () => {
  execFileSync("mkfifo", [join(root, "pipe")]);
  await expect(readInside(root, "pipe", 100)).rejects.toMatchObject(refused);
});

it("never gives what is outside while a link is swapped under it", async () => {
  const other = new Worker(join(root, "swap"));
  await other.work(async () => {
    for (let i = 0; i < 300; i++) {
      const bytes = await readInside(root, "swap/file", 100).catch(() => null);
      if (bytes !== null) expect(bytes.toString()).toBe("inside");
    }
  });
});

/** Points a link now at the inside, now at the outside. */
class Worker {
  readonly #path: string;
  constructor(path: string) {
    this.#path = path;
  }
  async work(meanwhile: () => Promise<void>): Promise<void> {
    await writeFile(join(dir, "outside", "file"), "secret");
    let over = false;
    const swapping = (async () => {
      while (!over) {
        for (const target of ["real", "../outside"]) {
          await rm(this.#path, { force: true });
          await symlink(target, this.#path);
        }
      }
    })();
    await meanwhile().finally(() => {
      over = true;
    });
    await swapping;
  }
}

it("writes whole files with their directories, and replaces a link instead of following it", async () => {
  await writeInside(root, "new/deep/file", Buffer.from("one"));
  await writeInside(root, "new/deep/file", Buffer.from("two"));
  expect(await readFile(join(root, "new/deep/file"), "utf8")).toBe("two");
  await symlink(join(dir, "outside", "secret"), join(root, "link"));
  await writeInside(root, "link", Buffer.from("mine"));
  expect((await lstat(join(root, "link"))).isSymbolicLink()).toBe(false);
  expect(await readFile(join(dir, "outside", "secret"), "utf8")).toBe("secret");
});

it("writes through no link, over no directory and below no file", async () => {
  await symlink("../outside", join(root, "out"));
  for (const path of ["out/new", "real", "real/file/below", "../x", ".git/config"])
    await expect(writeInside(root, path, Buffer.from("x"))).rejects.toMatchObject(refused);
  await expect(lstat(join(dir, "outside", "new"))).rejects.toThrow("ENOENT");
  expect(root.startsWith(dir + sep)).toBe(true);
});
