import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { db } from "#db/client.ts";
import { projects } from "#db/schema.ts";
import { type TestDatabase, testDatabase } from "../../../test/setup/database.ts";
import { commitFiles } from "../../git/fixtures.ts";
import { changedFiles, treeOfFiles } from "../../git/patch.ts";
import { openRepository } from "../../git/workspace.ts";
import { Base } from "./base.ts";
import { Draft, MAX_DRAFT_BYTES, MAX_DRAFT_FILES } from "./draft.ts";
import { Files } from "./files.ts";
import { carryOut, TOOLS } from "./tools.ts";

const ids = { projectId: "p", runId: "run-1" };
// Made here: as a literal it would be found by whoever looks for secrets in this repository.
const SECRET = `ghp_${"a1B2c3D4e5".repeat(4).slice(0, 36)}`;
const PEM = generateKeyPairSync("rsa", { modulusLength: 2048 })
  .privateKey.export({ type: "pkcs1", format: "pem" })
  .toString()
  .trim()
  .split("\n");
let database: TestDatabase;
let blobs: string;

beforeAll(async () => {
  database = await testDatabase();
  blobs = await mkdtemp(join(tmpdir(), "countersign-draft-"));
  process.env.BLOB_DIR = blobs;
  await db().insert(projects).values({ id: "p", ownerUserId: "o", name: "p", slug: "p" });
});
afterAll(async () => {
  delete process.env.BLOB_DIR;
  await rm(blobs, { recursive: true, force: true });
  await database.close();
});

const FILES = {
  "a/one.txt": "first\nsecond\nfirst\n",
  "a/key.txt": `before\n${SECRET}\nafter\n`,
  "b.bin": Buffer.from([0, 255, 1]),
  "long.txt": Array.from({ length: 1_000 }, (_, at) => `line ${at + 1}`).join("\n"),
  link: { mode: "120000", data: "a/one.txt" },
};

/** Files that hold a private key each, in lines of their own or between others. */
const WITH_PEM = {
  "pem/plain.txt": PEM.join("\n"),
  "pem/between.txt": ["top", "", ...PEM, "", "bottom", `token ${SECRET}`, "last"].join("\n"),
  "pem/values.yaml": ["key: |", ...PEM.map((line) => `  ${line}`), "next: 1"].join("\n"),
  "pem/windows.env": ["A=1", `KEY='${PEM[0]}`, ...PEM.slice(1), "'", "B=2", ""].join("\r\n"),
  "pem/two.txt": ["one", ...PEM, "two", ...PEM, "three"].join("\n"),
  "pem/begins.txt": ["one", ...PEM.slice(0, 9), "two"].join("\n"),
  "pem/ends.txt": ["one", ...PEM.slice(9), "two"].join("\n"),
};

interface Hands {
  call(name: string, input?: unknown): Promise<string>;
  /** What the draft changes, and in which way. */
  changes(): Promise<string[]>;
}

/** Tools on a repository of these files, with an empty draft. */
async function atDesk(
  work: (hands: Hands) => Promise<void>,
  files: Parameters<typeof commitFiles>[1] = FILES,
): Promise<void> {
  await using repository = await openRepository();
  const { dir } = repository;
  const sha = await commitFiles(dir, files);
  const draft = new Draft(ids, []);
  const desk = {
    files: new Files(await Base.of(dir, sha), draft),
    run: async () => "ran",
  };
  await work({
    call: (name, input = {}) => carryOut({ name, input: JSON.stringify(input) }, desk),
    async changes() {
      // As the phase after does it, from what is stored.
      const again = await new Draft(ids, draft.entries).changes();
      const tree = await treeOfFiles(dir, sha, again);
      return (await changedFiles(dir, sha, tree)).map(({ path, change }) => `${change} ${path}`);
    },
  });
}

test("the draft's version of a file is read where there is one", async () => {
  await atDesk(async ({ call, changes }) => {
    expect(await call("read_file", { path: "a/one.txt", fromLine: 2, toLine: 2 })).toBe(
      "2\tsecond\n(Lines 2 to 2 of 3.)",
    );
    await call("edit_file", { path: "a/one.txt", old: "second", new: "zweite" });
    expect(await call("read_file", { path: "a/one.txt" })).toBe("1\tfirst\n2\tzweite\n3\tfirst");
    expect(await call("search", { text: "second" })).toBe("Nothing holds it.");
    expect(await call("search", { text: "zwei", prefix: "a/" })).toBe("a/one.txt:2: zweite");
    await call("write_file", { path: "a/new.txt", content: "new\n" });
    await call("remove_file", { path: "long.txt" });
    expect(await call("list_files")).toBe("a/key.txt\na/new.txt\na/one.txt\nb.bin\nlink");
    expect(await changes()).toEqual(["added a/new.txt", "changed a/one.txt", "removed long.txt"]);
    await call("remove_file", { path: "a/new.txt" });
    expect(await call("read_file", { path: "long.txt" })).toContain("removed in the draft");
    await call("write_file", { path: "long.txt/now-a-folder.txt", content: "x\n" });
    expect(await changes()).toEqual([
      "changed a/one.txt",
      "removed long.txt",
      "added long.txt/now-a-folder.txt",
    ]);
  });
});

test.each([
  ["edit_file", { path: "a/one.txt", old: "first", new: "x" }, "more than once"],
  ["edit_file", { path: "a/one.txt", old: "third", new: "x" }, "does not stand in the file"],
  ["edit_file", { path: "none.txt", old: "a", new: "b" }, "no such file"],
  ["write_file", { path: "../out.txt", content: "x" }, "no path inside"],
  ["write_file", { path: "/etc/cron.d/x", content: "x" }, "no path inside"],
  ["write_file", { path: "a/.GIT/hooks/x", content: "x" }, "no path inside"],
  ["write_file", { path: "a", content: "x" }, "is a folder"],
  ["write_file", { path: "a/one.txt/x", content: "x" }, "a/one.txt is a file"],
  ["write_file", { path: "link", content: "x" }, "a link"],
  ["write_file", { path: "link/x", content: "x" }, "link is a file"],
  ["write_file", { path: "b.bin", content: "x" }, "no UTF-8 text"],
  ["write_file", { path: "x.txt", content: "a\0b" }, "without NUL"],
  ["write_file", { path: "x.txt", content: "x".repeat(MAX_DRAFT_BYTES + 1) }, "at most"],
  ["write_file", { path: "x.txt", content: `k ${SECRET}` }, "looks like a secret"],
  ["write_file", { path: "a/one.txt", content: "[redacted:token]\n" }, "looks like a secret"],
  ["write_file", { path: "x.txt" }, "content: "],
  ["remove_file", { path: "link" }, "a link"],
  ["remove_file", { path: "a" }, "a folder"],
  ["search", { text: "a\nb" }, "within one line"],
  ["read_file", { path: "a/one.txt", fromLine: 0 }, "fromLine: "],
  ["approve", {}, "there is no such tool"],
  ["run", { commands: [] }, "commands: "],
] as const)("%s changes nothing and says what is wrong (case %#)", async (name, input, problem) => {
  await atDesk(async ({ call, changes }) => {
    expect(await call(name, input)).toContain(problem);
    expect(await changes()).toEqual([]);
  });
});

test("a secret of the repository is not shown, and the file that holds it can be changed around it", async () => {
  await atDesk(async ({ call, changes }) => {
    const shown = await call("read_file", { path: "a/key.txt" });
    expect(shown).not.toContain(SECRET);
    expect(shown).toContain("[redacted:");
    expect(await call("search", { text: "ghp_" })).not.toContain(SECRET);
    expect(await call("edit_file", { path: "a/key.txt", old: "after", new: "later" })).toMatch(
      /^Written/,
    );
    const copied = shown.replaceAll(/^\d+\t/gm, "");
    expect(await call("write_file", { path: "a/key.txt", content: copied })).toContain("secret");
    // Put together from halves, each of which looks like nothing.
    await call("write_file", {
      path: "x.txt",
      content: `${SECRET.slice(0, 8)}|${SECRET.slice(9)}`,
    });
    const joined = { path: "x.txt", old: "|", new: SECRET.slice(8, 9) };
    expect(await call("edit_file", joined)).toContain("secret");
    expect(await changes()).toEqual(["changed a/key.txt", "added x.txt"]);
  });
});

test("a file that is there to hold secrets is not shown, nor searched, whatever it holds", async () => {
  const files = {
    ".env": "MODE=quiet\n",
    "app/.npmrc": "mode=quiet\n",
    ".env.example": "MODE=\n",
    "a.ts": "quiet()\n",
  };
  await atDesk(async ({ call, changes }) => {
    for (const path of [".env", "app/.npmrc"]) {
      expect(await call("read_file", { path })).toContain("there to hold secrets");
    }
    expect(await call("read_file", { path: ".env.example" })).toContain("MODE=");
    const found = await call("search", { text: "quiet" });
    expect(found).toContain("a.ts");
    expect(found).not.toContain("npmrc");
    expect(found).not.toContain(".env");
    expect(await changes()).toEqual([]);
  }, files);
});

test("no line of a private key is shown, whatever is asked for, and every other line under its own number", async () => {
  const isKey = (line: string) => PEM.some((part) => line.includes(part));
  const lineIn = fc.constantFrom(...Object.entries(WITH_PEM)).chain(([path, text]) =>
    fc.record({
      ...{ path: fc.constant(path), lines: fc.constant(text.split("\n")) },
      ...{ fromLine: fc.integer({ min: 1, max: 64 }), length: fc.integer({ min: 1, max: 64 }) },
    }),
  );
  await atDesk(async ({ call }) => {
    await fc.assert(
      fc.asyncProperty(lineIn, async ({ path, lines, fromLine, length }) => {
        const toLine = fromLine + length - 1;
        const shown = await call("read_file", { path, fromLine, toLine });
        expect(isKey(shown)).toBe(false);
        const numbered = [...shown.matchAll(/^(\d+)\t(.*)$/gm)].map(([, at, text]) => [at, text]);
        const last = lines.at(-1) === "" ? lines.length - 1 : lines.length;
        const asked = lines.slice(0, last).slice(fromLine - 1, toLine);
        expect(numbered.map(([at]) => Number(at))).toEqual(asked.map((_, at) => fromLine + at));
        for (const [at, line] of asked.entries()) {
          if (isKey(line) || line.includes(SECRET)) continue;
          expect(numbered[at]?.[1]).toBe(line.replace(/\r$/, ""));
        }
      }),
      { numRuns: 150 },
    );
    for (const line of PEM)
      expect(await call("search", { text: line.slice(0, 20) })).not.toMatch(line);
    expect(await call("search", { text: "bottom" })).toBe("pem/between.txt:31: bottom");
  }, WITH_PEM);
});

test("no end of a secret is found whose beginning is outside of what a search shows of a line", async () => {
  const body = PEM.slice(1, -1).join("\\n");
  const line = `${PEM[0]}\\n${body}\\n${PEM.at(-1)}`;
  const token = `ghp_${"a1B2c3D4e5".repeat(40)}`;
  await atDesk(
    async ({ call }) => {
      for (const text of [PEM[20]?.slice(0, 30), token.slice(-30), "here"]) {
        const found = await call("search", { text });
        expect(PEM.some((part) => found.includes(part))).toBe(false);
        expect(found).not.toContain("a1B2c3D4e5");
      }
      expect(await call("search", { text: "here" })).toBe(
        "one-line.json:2: [redacted:private-key] here\ntoken.txt:1: [redacted:github-token] here",
      );
    },
    { "one-line.json": `{\n${line} here\n}`, "token.txt": `${token} here` },
  );
});

test("results and drafts are bounded", async () => {
  await atDesk(async ({ call, changes }) => {
    const read = await call("read_file", { path: "long.txt" });
    expect(read).toMatch(/\(Lines 1 to 400 of 1000\.\)$/);
    const found = await call("search", { text: "line" });
    expect(found.split("\n")).toHaveLength(101);
    for (let at = 0; at < MAX_DRAFT_FILES; at++) {
      await call("write_file", { path: `many/${at}.txt`, content: "x".repeat(190) });
    }
    expect(await call("write_file", { path: "one-more.txt", content: "x" })).toContain("at most");
    expect(await call("remove_file", { path: "a/one.txt" })).toContain("at most");
    await call("write_file", { path: "many/0.txt", content: "long ".repeat(10_000) });
    const cut = await call("read_file", { path: "many/0.txt" });
    expect(cut.length).toBeLessThan(12_100);
    expect(cut).toMatch(/\(Cut here: ask for less\.\)$/);
    expect(await changes()).toHaveLength(MAX_DRAFT_FILES);
  });
});

test("no tool can do more than read and draft", () => {
  expect(TOOLS.map(({ name }) => name)).toEqual(
    "list_files read_file search write_file edit_file remove_file run finish".split(" "),
  );
});
