import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Conflict, NotFound } from "#lib/errors.ts";
import { findHolders } from "./box.ts";
import { type LocalOptions, localSandboxes } from "./local.ts";
import type { Command, Sandbox, SandboxProvider, WorkFile } from "./port.ts";
import { listProcesses } from "./processes.ts";
import { sandboxRoot } from "./workspace.ts";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "sandbox-test-"));
  await chmod(root, 0o755);
});
afterAll(() => rm(root, { recursive: true, force: true }));

const NOTHING = { bwrap: null, prlimit: null };
const holders: Record<string, LocalOptions["holders"]> = {
  "as this machine can": findHolders(),
  "without bubblewrap": { ...findHolders(), bwrap: null },
};

function tree(files: Record<string, string>) {
  return async function* (): AsyncGenerator<WorkFile> {
    for (const [path, text] of Object.entries(files))
      yield { path, executable: false, bytes: Buffer.from(text) };
  };
}

function command(argv: Command["argv"], more: Partial<Command> = {}): Command {
  return { argv, timeoutMs: 15_000, maxOutputBytes: 100_000, ...more };
}

describe.each(Object.entries(holders))("a local sandbox, %s", (how, held) => {
  const options = () => ({ root, ...(held ? { holders: held } : {}) });
  let shared: SandboxProvider | undefined;
  const provider = () => {
    shared ??= localSandboxes(options());
    return shared;
  };
  let opened = 0;
  async function open(files: Record<string, string>): Promise<Sandbox> {
    opened += 1;
    const name = `${how.replaceAll(" ", "-")}-${opened}`;
    return await provider().open({ name, files: tree(files), trusted: true });
  }

  it("runs a script of the work tree, gives back what it said and wrote, and keeps it for the next", async () => {
    const box = await open({
      "src/a.mjs": `import { writeFileSync } from "node:fs";
        console.log("out", process.env.GREETING, process.cwd().endsWith("src"));
        console.error("err");
        writeFileSync("made.txt", "made");
        process.exitCode = 3;`,
    });
    const seen: Buffer[] = [];
    const asked = command(["node", "a.mjs"], {
      ...{ cwd: "src", env: { GREETING: "hello" } },
      onOutput: (chunk) => seen.push(chunk),
    });
    const result = await box.run(asked);
    expect(result).toMatchObject({ exitCode: 3, ended: "exited", truncated: false });
    expect(result.output.toString()).toContain("out hello true\n");
    expect(result.output.toString()).toContain("err\n");
    expect(Buffer.concat(seen)).toEqual(result.output);
    const again = await localSandboxes(options()).open({
      name: box.name,
      files: tree({}),
      trusted: true,
    });
    expect((await again.read("src/made.txt")).toString()).toBe("made");
    await again.write("src/deep/er/b.mjs", Buffer.from("console.log('written')"));
    const next = await box.run(command(["node", "src/deep/er/b.mjs"]));
    expect(next.output.toString()).toBe("written\n");
    await box.stop();
  });

  it("runs npm scripts", async () => {
    const scripts = { test: "npm run inner", inner: "node -p 6*7" };
    const box = await open({ "package.json": JSON.stringify({ name: "x", scripts }) });
    const { exitCode, output } = await box.run(command(["npm", "test"]));
    expect([exitCode, output.toString()]).toEqual([0, expect.stringContaining("\n42\n")]);
    await box.stop();
  });

  it("gives a command nothing of this process's environment", async () => {
    const box = await open({ "env.mjs": "console.log(Object.keys(process.env).sort().join())" });
    const { output } = await box.run(command(["node", "env.mjs"]));
    const names = output.toString().trim().split(",");
    const known =
      "CI HOME LANG PATH PWD TMPDIR npm_config_audit npm_config_fund npm_config_update_notifier";
    expect(names.filter((name) => !known.split(" ").includes(name))).toEqual([]);
    await box.stop();
  });

  it.each(["timeout", "canceled"] as const)(
    "ends a command with all it started: %s",
    async (why) => {
      const mark = `mark${Math.random().toString(36).slice(2)}`;
      const box = await open({
        "a.mjs": `import { spawn } from "node:child_process";
        if (process.argv[2] !== "leaf") spawn(process.execPath, [process.argv[1], "leaf", "${mark}"], { stdio: "inherit", detached: true });
        console.log("ready");
        setInterval(() => {}, 1000);`,
      });
      const abort = new AbortController();
      let said = "";
      const { exitCode, ended, durationMs } = await box.run(
        command(["node", "a.mjs"], {
          timeoutMs: why === "timeout" ? 1_500 : 15_000,
          signal: abort.signal,
          onOutput(chunk) {
            said += chunk;
            if (why === "canceled" && said.split("ready").length > 2) abort.abort();
          },
        }),
      );
      expect({ exitCode, ended }).toEqual({ exitCode: null, ended: why });
      expect(said.split("ready").length).toBe(3);
      expect(durationMs).toBeLessThan(14_000);
      expect(await running(mark)).toBe(0);
      await box.stop();
    },
  );

  it("drops output that is over its limit and goes on", async () => {
    const box = await open({
      "a.mjs": "for (let i = 0; i < 1e5; i++) console.log('x'.repeat(99))",
    });
    const result = await box.run(command(["node", "a.mjs"], { maxOutputBytes: 5_000 }));
    expect(result).toMatchObject({ exitCode: 0, truncated: true });
    expect(result.output.length).toBe(5_000);
    await box.stop();
  });

  it("is stopped by another process, with what runs in it, twice", async () => {
    const box = await open({ "a.mjs": "console.log('up'); setInterval(() => {}, 1000)" });
    const stopped = Promise.withResolvers<void>();
    const result = await box.run(
      command(["node", "a.mjs"], {
        onOutput: () => void provider().stop(box.name).then(stopped.resolve, stopped.reject),
      }),
    );
    await stopped.promise;
    expect(result).toMatchObject({ exitCode: null, ended: "killed" });
    await box.stop();
    await expect(box.run(command(["node", "a.mjs"]))).rejects.toBeInstanceOf(NotFound);
    const left = await readdir(await sandboxRoot(root));
    expect(left.filter((name) => name.startsWith(box.name))).toEqual([]);
  });

  it("ends a command whose work tree grows too large", async () => {
    const small = localSandboxes({ ...options(), limits: { maxDiskBytes: 8e6 } });
    const text = `import { writeFileSync } from "node:fs";
      for (let i = 0; i < 20; i++) writeFileSync("f" + i, Buffer.alloc(1e6, 1));
      setInterval(() => {}, 1000);`;
    const name = `${how.replaceAll(" ", "-")}-full`;
    const box = await small.open({ name, files: tree({ "a.mjs": text }), trusted: true });
    const result = await box.run(command(["node", "a.mjs"]));
    expect(result.ended).toBe("killed");
    expect(result.output.toString()).toContain("bytes in the work tree");
    await box.stop();
  });

  it("refuses a command, a directory, a path and a name that are not allowed, and a tree that is two", async () => {
    const box = await open({ "a.mjs": "" });
    const refused = [
      box.run(command(["bash", "-c", "true"])),
      box.run(command(["node", "a.mjs"], { cwd: "../.." })),
      box.run(command(["node", "a.mjs"], { env: { NODE_OPTIONS: "--inspect" } })),
      box.read("../pids"),
      box.write(".git/config", Buffer.from("")),
      provider().open({ name: "../x", files: tree({}), trusted: true }),
      provider().open({ name: "t2", files: tree({ a: "", "a/b": "" }), trusted: true }),
      provider().open({ name: "t3", files: tree({ ".git/hooks/x": "" }), trusted: true }),
    ];
    const errors = await Promise.allSettled(refused);
    for (const one of errors) expect(one).toMatchObject({ reason: { name: "InvalidInput" } });
    await expect(box.read("none")).rejects.toBeInstanceOf(NotFound);
    await box.stop();
  });

  it("is made by one of many that open it at once, whole", async () => {
    const name = `${how.replaceAll(" ", "-")}-race`;
    const files = tree(
      Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`d${i}/f`, `${i}`])),
    );
    const all = await Promise.all(
      Array.from({ length: 8 }, () => provider().open({ name, files, trusted: true })),
    );
    for (const box of all) expect((await box.read("d49/f")).toString()).toBe("49");
    await all[0]?.stop();
    expect((await readdir(await sandboxRoot(root))).filter((one) => one.startsWith(name))).toEqual(
      [],
    );
  });

  it("leaves nothing under its name when its files end early", async () => {
    const name = `${how.replaceAll(" ", "-")}-half`;
    async function* half(): AsyncGenerator<WorkFile> {
      yield { path: "a", executable: false, bytes: Buffer.from("half") };
      throw new Error("connection lost");
    }
    const broken = provider().open({ name, files: half, trusted: true });
    await expect(broken).rejects.toThrow("connection lost");
    const box = await provider().open({ name, files: tree({ a: "whole" }), trusted: true });
    expect((await box.read("a")).toString()).toBe("whole");
    await box.stop();
  });
});

it("is labelled and refuses what is not trusted where nothing isolates it", async () => {
  const provider = localSandboxes({ root, holders: NOTHING });
  const spec = { name: "untrusted", files: tree({}) };
  await expect(provider.open({ ...spec, trusted: false })).rejects.toMatchObject({
    constructor: Conflict,
    code: "sandbox_not_isolated",
  });
  const box = await provider.open({ ...spec, trusted: true });
  expect(box.isolation).toBe("not isolated");
  await box.stop();
});

it("does not believe a bubblewrap that cannot hold anything", async () => {
  const broken = join(root, "bwrap");
  await writeFile(broken, "#!/bin/sh\necho no permission >&2\nexit 1\n", { mode: 0o755 });
  const provider = localSandboxes({
    root,
    holders: { bwrap: broken, prlimit: findHolders().prlimit },
  });
  const box = await provider.open({ name: "broken", files: tree({}), trusted: true });
  expect(box.isolation).toBe("not isolated");
  await box.stop();
});

async function running(mark: string): Promise<number> {
  const lines = await Promise.all(
    listProcesses().map(({ pid }) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")),
  );
  return lines.filter((line) => line.includes(mark)).length;
}
