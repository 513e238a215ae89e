import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { readBlobs } from "./blobs.ts";
import { fetchCommit } from "./fetch.ts";
import { commitFiles, serveRepository } from "./fixtures.ts";
import { git, runGit, startGit } from "./git.ts";
import { checkedRef, checkedSha } from "./names.ts";
import { pathProblem } from "./paths.ts";
import { listTree } from "./tree.ts";
import { openRepository } from "./workspace.ts";

const TOKEN = "ghp_a_token_that_only_this_test_knows";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "git-test-"));
  await git(["init", "--quiet", "--bare", "--template=", "--initial-branch=main"], { dir });
});
afterEach(() => rm(dir, { recursive: true, force: true, maxRetries: 5 }));

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

describe("names", () => {
  test("only ids of objects are taken for commits", () => {
    for (const bad of ["", "main", "-h", "HEAD", "A".repeat(40), `${"a".repeat(40)}\n`])
      expect(() => checkedSha(bad)).toThrow("no id of a commit");
    expect(checkedSha("a".repeat(40))).toBe("a".repeat(40));
  });

  test("what could be an option, a range or a refspec is no ref", () => {
    const bad = [
      "",
      "--upload-pack=x",
      "a..b",
      "a:b",
      "+a^",
      "a b",
      "a\nb",
      "@{u}",
      "a.lock",
      "a/",
    ];
    for (const ref of [...bad, "a/-b", ".a", "a/.b", "x".repeat(300)])
      expect(() => checkedRef(ref)).toThrow("no name of a branch");
    expect(checkedRef("feature/größer-1.0")).toBe("refs/heads/feature/größer-1.0");
    expect(checkedRef("refs/heads/main")).toBe("refs/heads/main");
  });

  test("git itself takes every ref that we take", async () => {
    const ref = fc.string({ unit: fc.constantFrom(..."abz/.-@{}~^:?*[ \\é\u0001_+#".split("")) });
    await fc.assert(
      fc.asyncProperty(ref, async (name) => {
        let full: string;
        try {
          full = checkedRef(name);
        } catch {
          return;
        }
        expect((await runGit(["check-ref-format", full], { dir })).exitCode).toBe(0);
      }),
      { numRuns: 150 },
    );
  });

  test("paths that leave the root or that git would read are refused", () => {
    for (const path of ["../a", "a/../b", "/a", "a//b", ".git/config", "a/.GIT/hooks/x", "git~1/x"])
      expect(pathProblem(path)).toBe("unsafe_path");
    for (const path of [".g\u200cit/config", ".git /x", ".git::$INDEX_ALLOCATION/x", "a\\..\\b"])
      expect(pathProblem(path)).toBe("unsafe_path");
    expect(pathProblem("a\nb")).toBe("unsafe_path");
    expect(pathProblem("é".repeat(128))).toBe("path_too_long");
    expect(pathProblem(`${"a/".repeat(2048)}b`)).toBe("path_too_long");
    for (const path of [".gitignore", ".github/workflows/ci.yml", "src/a b.ts", "digit~1x", "ünï"])
      expect(pathProblem(path)).toBeNull();
  });
});

describe("git", () => {
  test("gets nothing of this process's environment but PATH", async () => {
    await git(["config", "alias.show-env", "!env"], { dir });
    const names = (await git(["show-env"], { dir })).toString().matchAll(/^(\w+)=/gm);
    const own = /^(GIT_\w+|PATH|HOME|LC_ALL|PWD|OLDPWD|SHLVL|_)$/;
    for (const [, name] of names) expect(name).toMatch(own);
  });

  test("is stopped when it takes too long, with all that it has started", async () => {
    await git(["config", "alias.hang", "!sleep 1000 & wait"], { dir });
    const running = startGit(["hang"], { dir, timeoutMs: 300 });
    // Ends when nobody holds its other end, so when sleep is gone too.
    expect(await all(running.stdout)).toEqual([]);
    await expect(running.ended).rejects.toThrow("did not end within 300 ms");
  });

  test("is stopped by its signal, and when it says too much", async () => {
    const signal = AbortSignal.abort();
    await expect(git(["version"], { dir, signal })).rejects.toMatchObject({ code: "git_stopped" });
    const loud = git(["version", "--build-options"], { dir, maxBytes: 10 });
    await expect(loud).rejects.toMatchObject({ code: "git_output", retry: false });
  });
});

describe("a tree and its contents", () => {
  test("come whole, in order, and paths that are no UTF-8 are said to be", async () => {
    const sub = "1".repeat(40);
    const sha = await commitFiles(
      dir,
      new Map<string | Buffer, string | Buffer | { mode: string; data: string }>([
        ["a b/ü.ts", "export {}\n"],
        [Buffer.from([0x62, 0xff, 0x63]), "x"],
        ["c".repeat(10_000), "long"],
        ["link", { mode: "120000", data: "/" }],
        ["run.sh", { mode: "100755", data: "#!/bin/sh\n" }],
        ["sub", { mode: "160000", data: sub }],
      ]),
    );
    const entries = await all(listTree(dir, sha));
    expect(
      entries.map(({ path, mode, size, refused }) => [
        path.length > 50 ? "long" : path,
        mode,
        size,
        refused,
      ]),
    ).toEqual([
      ["a b/ü.ts", "100644", 10, undefined],
      ["b\ufffdc", "100644", 1, "invalid_utf8"],
      ["long", "100644", 4, "path_too_long"],
      ["link", "120000", 1, undefined],
      ["run.sh", "100755", 10, undefined],
      ["sub", "160000", null, undefined],
    ]);
    expect(entries.at(-1)).toMatchObject({ type: "commit", sha: sub });
    await expect(all(listTree(dir, "2".repeat(40)))).rejects.toMatchObject({ code: "git_failed" });
  });

  test("contents are the bytes, whatever they are and however they are cut", async () => {
    const contents = fc.array(
      fc.oneof(
        fc.uint8Array({ maxLength: 40 }),
        fc.constantFrom(0, 1, 65_535, 65_536, 200_000).map((n) => new Uint8Array(n).fill(10)),
      ),
      { minLength: 1, maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(contents, async (files) => {
        const sha = await commitFiles(
          dir,
          Object.fromEntries(
            files.map((bytes, i) => [`f${String(i).padStart(2, "0")}`, Buffer.from(bytes)]),
          ),
        );
        const entries = await all(listTree(dir, sha));
        const blobs = await all(
          readBlobs(
            dir,
            entries.map((entry) => entry.sha),
            { maxBytes: 100_000 },
          ),
        );
        expect(blobs.length).toBe(files.length);
        for (const [i, { bytes, sha: id }] of blobs.entries()) {
          const file = files[i] ?? new Uint8Array();
          expect(id).toBe(entries[i]?.sha);
          expect(bytes?.equals(file) ?? null).toBe(file.length > 100_000 ? null : true);
        }
      }),
      { numRuns: 15 },
    );
  });

  test("ids are read only as contents are taken, and git ends with its reader", async () => {
    const sha = await commitFiles(dir, { big: Buffer.alloc(1_000_000, "ab") });
    const [entry] = await all(listTree(dir, sha));
    let asked = 0;
    const ids = function* () {
      for (; asked < 100_000; asked++) yield entry?.sha ?? "";
    };
    for await (const { bytes } of readBlobs(dir, ids(), { maxBytes: 2_000_000 })) {
      expect(bytes?.length).toBe(1_000_000);
      break;
    }
    expect(asked).toBeLessThan(20_000);
    const broken = function* () {
      yield entry?.sha ?? "";
      throw new Error("no more ids");
    };
    await expect(all(readBlobs(dir, broken(), { maxBytes: 10 }))).rejects.toThrow("no more ids");
    await expect(all(readBlobs(dir, ["3".repeat(40)], { maxBytes: 10 }))).rejects.toMatchObject({
      code: "no_blob",
    });
  });

  test("waiting for git to take ids leaves no listener behind", async () => {
    const sha = await commitFiles(dir, { small: "small" });
    const [entry] = await all(listTree(dir, sha));
    const warnings: Error[] = [];
    const hear = (warning: Error) => warnings.push(warning);
    process.on("warning", hear);
    try {
      const ids = Array.from({ length: 20_000 }, () => entry?.sha ?? "");
      expect(await all(readBlobs(dir, ids, { maxBytes: 10 }))).toHaveLength(20_000);
      // Warnings are told in a later turn.
      await new Promise((resolve) => setImmediate(resolve));
    } finally {
      process.off("warning", hear);
    }
    expect(warnings.map(({ message }) => message)).toEqual([]);
  });
});

describe("fetch", () => {
  let server: Server;
  let cloneUrl: string;
  let origin: string;
  beforeAll(async () => {
    origin = await mkdtemp(join(tmpdir(), "git-origin-"));
    await git(["init", "--quiet", "--bare", "--template=", "--initial-branch=main"], {
      dir: origin,
    });
    ({ server, url: cloneUrl } = await serveRepository(origin, TOKEN));
  });
  afterAll(async () => {
    server.close();
    await rm(origin, { recursive: true, force: true });
  });

  test("brings a commit, several into one repository, without history", async () => {
    const first = await commitFiles(origin, { a: "1" });
    const second = await commitFiles(origin, { a: "2" });
    await using repository = await openRepository();
    const { dir: own } = repository;
    const wanted = { cloneUrl, token: TOKEN, dir: own };
    await fetchCommit({ ...wanted, commitSha: second });
    expect(await runGit(["cat-file", "-e", first], { dir: own })).toMatchObject({ exitCode: 1 });
    await fetchCommit({ ...wanted, commitSha: first });
    await fetchCommit({ ...wanted, commitSha: first });
    expect(await all(listTree(own, first))).toHaveLength(1);
  });

  test("says what is not there, and never the token", async () => {
    const commitSha = await commitFiles(origin, { a: "1" });
    const wanted = { cloneUrl, token: TOKEN, dir };
    const tree = await git(["rev-parse", `${commitSha}^{tree}`], { dir: origin });
    for (const missing of ["4".repeat(40), tree.toString().trim()])
      await expect(fetchCommit({ ...wanted, commitSha: missing })).rejects.toMatchObject({
        code: "commit_not_found",
      });
    const error = await fetchCommit({
      ...{ ...wanted, commitSha },
      token: "wrong-token-of-somebody",
    }).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: "commit_not_found", retry: false });
    expect(String(error)).not.toContain("wrong-token");
    expect((await readdir(dir, { recursive: true })).join()).not.toContain(TOKEN);
    const config = await git(["config", "--local", "--list"], { dir });
    expect(config.toString()).not.toMatch(/authorization|extraheader/i);
  });

  test("only https, and http to this machine, without credentials", async () => {
    const urls = [
      "file:///etc",
      "ssh://git@h/x",
      "ext::sh -c id",
      "git://h/x",
      "http://example.com/x",
      "https://u:p@h/x",
      "--upload-pack=id",
      "/tmp",
    ];
    for (const url of urls)
      await expect(
        fetchCommit({ cloneUrl: url, token: TOKEN, dir, commitSha: "4".repeat(40) }),
      ).rejects.toMatchObject({ code: "bad_clone_url" });
  });

  test("a repository that is too large is refused", async () => {
    const random = Buffer.from(
      Array.from({ length: 300_000 }, (_, i) => (i * i * 31 + (i >> 3)) % 251),
    );
    const commitSha = await commitFiles(origin, { random });
    const fetched = fetchCommit({ cloneUrl, token: TOKEN, dir, commitSha, maxBytes: 100 });
    await expect(fetched).rejects.toMatchObject({ code: "repository_too_large", retry: false });
  });

  test("nothing that a repository holds is run or followed", async () => {
    const witness = join(tmpdir(), `witness-${process.pid}`);
    const commitSha = await commitFiles(origin, {
      ".gitattributes": "* filter=evil diff=evil merge=evil\n",
      ".gitmodules": '[submodule "x"]\n\tpath = x\n\turl = file:///etc\n\tupdate = !touch\n',
      x: { mode: "160000", data: "5".repeat(40) },
      "package.json": JSON.stringify({ scripts: { postinstall: `touch ${witness}` } }),
    });
    for (const hook of ["post-checkout", "reference-transaction", "post-update"])
      await writeFile(join(dir, hook), `#!/bin/sh\ntouch ${witness}\n`, { mode: 0o755 });
    await git(["config", "core.hooksPath", dir], { dir });
    await fetchCommit({ cloneUrl, token: TOKEN, dir, commitSha });
    expect(await all(listTree(dir, commitSha))).toHaveLength(4);
    expect(await readdir(tmpdir())).not.toContain(`witness-${process.pid}`);
  });
});

test("a workspace is removed whatever came of it", async () => {
  let own = "";
  const work = async () => {
    await using repository = await openRepository();
    own = repository.dir;
    throw new Error("no");
  };
  await expect(work()).rejects.toThrow("no");
  await expect(readdir(own)).rejects.toThrow("ENOENT");
});
