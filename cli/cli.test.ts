import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { fileURLToPath } from "node:url";
import { eq, sql } from "drizzle-orm";
import { unzipSync, zipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { artifacts, chatMessages, chatThreads, effects } from "#db/schema.ts";
import { mintLocalToken } from "#lib/auth/local.ts";
import { PRESETS } from "#lib/policy/document.ts";
import { until } from "#local/client.ts";
import { OWNER, type TestCloud, testCloud } from "../test/support/cloud.ts";
import { type Ended, runCli } from "../test/support/command-line.ts";
import { Researcher } from "../test/support/research.ts";
import { RunDesk } from "../test/support/runs.ts";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));
const BIN = fileURLToPath(new URL("bin.js", import.meta.url));
const ESC = "\u001b";

let world: TestCloud;
let desk: RunDesk;
let dir: string;
let token: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "countersign-cli-"));
  world = await testCloud();
  desk = new RunDesk(world, await world.client());
  token = await mintLocalToken(OWNER);
  await desk.project("cli");
}, 90_000);
afterAll(async () => {
  await world?.close();
  await rm(dir, { recursive: true, force: true });
});

const settings = (env: Record<string, string> = {}) => ({
  COUNTERSIGN_URL: world.cloud.appUrl,
  COUNTERSIGN_TOKEN: token,
  COUNTERSIGN_PROJECT: "cli",
  INNGEST_DEV: world.cloud.inngestUrl,
  ...env,
});

const run = (args: readonly string[], env?: Record<string, string>): Promise<Ended> =>
  runCli(args, settings(env));

/** The same as `npx countersign` does it. */
function spawned(args: readonly string[]): Promise<Ended> {
  const env = { PATH: process.env.PATH ?? "", ...settings() };
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [BIN, ...args], { cwd: dir, env }, (error, out, err) =>
      resolve({ code: Number(error?.code ?? 0), out, err }),
    );
    child.stdin?.end();
  });
}

/** The same, for what has to end well, as the JSON that it printed. */
// biome-ignore lint/suspicious/noExplicitAny: answers of every shape
async function json(...args: string[]): Promise<any> {
  const { code, out, err } = await run([...args, "--json"]);
  expect(err).toBe("");
  expect(code).toBe(0);
  return JSON.parse(out);
}

const input = (book: string, name = "hello") => ({
  target: "ledger",
  book,
  entries: [{ name, value: "world" }],
});

/** Asks for a run by the command line, and waits until somebody has to approve it. */
async function waiting(book: string, name?: string) {
  const runId = `run-${book}`;
  const asked = { projectId: "cli", kind: "implementation", requestedBy: "ci", runId };
  const data = JSON.stringify({ ...asked, input: input(book, name) });
  expect((await run(["send", "run.requested", "--data", data])).code).toBe(0);
  const { id, intentHash } = await desk.approval(runId);
  return { runId, id, intentHash };
}

test("a run is asked for, seen, approved and watched to its end", async () => {
  const { runId, id, intentHash } = await waiting("whole");
  expect((await run(["approvals"])).out).toMatch(
    new RegExp(`^${id} +pending +ledger.write +ci `, "m"),
  );

  const unseen = await run(["approve", id, "--yes"]);
  expect(unseen).toMatchObject({ code: 2, err: expect.stringContaining("--intent") });
  const asked = await run(["approve", id]);
  expect(asked).toMatchObject({ code: 2, err: expect.stringContaining("nobody to ask") });
  expect(asked.out).toContain(intentHash);
  expect(asked.out).toContain('+ name: "hello"');
  const other = await run(["approve", id, "--yes", "--intent", "0".repeat(64)]);
  expect(other).toMatchObject({ code: 1, err: expect.stringContaining(intentHash) });

  const approved = await run(["approve", id, "--yes", "--intent", intentHash, "--note", "fine"]);
  expect(approved).toMatchObject({ code: 0, err: "" });
  expect(approved.out).toMatch(/Accepted: it is (granted|used)/);
  const watched = await run(["run", runId, "--watch", "--wait", "60"]);
  expect(watched).toMatchObject({ code: 0, err: "" });
  const actions = ["run.requested", "approval.decision", "effect.sent", "run.succeeded"];
  const at = actions.map((action) => watched.out.indexOf(action));
  expect(at).toEqual(at.toSorted((a, b) => a - b));
  expect(at[0]).toBeGreaterThan(0);
  expect(watched.out).toMatch(/approval.decision.* granted .* fine/);
  expect(watched.out).toContain("step succeeded");
  expect((await json("run", runId)).effects).toEqual([
    expect.objectContaining({ status: "confirmed", kind: "ledger.entry" }),
  ]);
  expect((await run(["effects", "list"])).out).toMatch(/confirmed +ledger.entry/);
  expect((await run(["runs"])).out).toMatch(new RegExp(`^${runId} +succeeded`, "m"));
  expect(await desk.objects("whole")).toEqual(["hello"]);

  const late = await run(["revoke", id, "--yes", "--json"]);
  expect(late.code).toBe(1);
  expect(JSON.parse(late.out)).toMatchObject({ outcome: "refused", reason: "already_used" });
  expect(late.err).toContain("cancel the run instead");
}, 60_000);

test("a person is asked, and only yes is a yes", async () => {
  const { id } = await waiting("asked");
  const stdin = vi.spyOn(process, "stdin", "get");
  const answer = async (text: string) => {
    const terminal = Object.assign(new PassThrough(), { isTTY: true });
    stdin.mockReturnValue(terminal as never);
    terminal.end(`${text}\n`);
    return await run(["deny", id]);
  };
  try {
    for (const text of ["no", "", "y"]) {
      expect(await answer(text)).toMatchObject({
        code: 1,
        err: expect.stringContaining("Nothing was sent."),
      });
    }
    expect((await desk.approval("run-asked")).status).toBe("pending");
    expect(await answer("yes")).toMatchObject({ code: 0, err: 'Type "yes" to deny it: ' });
  } finally {
    stdin.mockRestore();
  }
}, 60_000);

test("a denied run ends with 1, and says what can be done", async () => {
  const { runId, id } = await waiting("denied");
  expect(await json("deny", id, "--yes")).toMatchObject({ outcome: "accepted", status: "denied" });
  const watched = await run(["run", runId, "--watch", "--wait", "60"]);
  expect(watched.code).toBe(1);
  expect(watched.out).toContain("failed: approval_denied");
  expect(watched.out).toContain("Talk to who denied it");
}, 60_000);

test("a signature is made with a key that keys new made, where the policy asks for one", async () => {
  const file = join(dir, "owner.pem");
  const key = await json("keys", "new", file, "--register");
  expect(key).toMatchObject({ registeredFor: OWNER, id: expect.stringMatching(/^[0-9a-f]{32}$/) });
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const pem = await readFile(file, "utf8");
  expect(JSON.stringify(key)).not.toContain(pem.split("\n")[1]);
  expect((await run(["keys", "new", file])).code).toBe(2);
  expect(await readFile(file, "utf8")).toBe(pem);
  const stranger = join(dir, "stranger.pem");
  const refused = await run(["keys", "new", stranger, "--register", "--project", "none"]);
  expect(refused.code).toBe(1);
  await expect(stat(stranger)).rejects.toThrow("ENOENT");
  expect((await run(["keys", "new", stranger])).code).toBe(0);

  const policy = { scopes: { "ledger.write": { assurance: "signature" } } };
  await desk.client.call("PUT", "/api/projects/cli/policy", policy);
  const { runId, id, intentHash } = await waiting("signed");
  const approve = ["approve", id, "--yes", "--intent", intentHash];
  const unsigned = await run(approve);
  expect(unsigned).toMatchObject({ code: 1, err: expect.stringContaining("assurance_too_low") });
  const forged = await run([...approve, "--key", stranger]);
  expect(forged).toMatchObject({ code: 1, err: expect.stringContaining("unknown_key") });
  expect((await run([...approve, "--key", MAIN])).code).toBe(2);
  expect((await run([...approve, "--key", file])).code).toBe(0);
  await desk.reached(runId, "succeeded");
  await desk.client.call("PUT", "/api/projects/cli/policy", {});
}, 60_000);

test("a policy is shown and published: a preset, a file, or stdin; what is none is not sent", async () => {
  await desk.project("ruled");
  const policy = (...args: string[]) => run(["policy", ...args, "--project", "ruled"]);
  const built = await policy("show");
  expect(built).toMatchObject({ code: 0, err: "" });
  expect(built.out).toMatch(/^The built-in policy/);
  expect(built.out).toMatch(/^any +1 +the owner +unless_alone +event +1440 min$/m);

  const strict = await policy("set", "strict");
  expect(strict).toMatchObject({ code: 0, err: "" });
  expect(strict.out).toMatch(/^Version 1\.\n/);
  expect(strict.out).toMatch(/^deploy.production +1 +the owner +never +signature +240 min$/m);
  expect(JSON.parse((await policy("show", "--json")).out)).toMatchObject({
    ...{ version: 1, document: PRESETS.strict },
  });

  const file = join(dir, "policy.json");
  const document = {
    default: { approvals: 2, approvers: ["ann", `b${ESC}[2Jb`] },
    scopes: { "ledger.write": { automatic: true } },
  };
  await writeFile(file, JSON.stringify(document));
  const published = await policy("set", file, "--json");
  expect(JSON.parse(published.out)).toMatchObject({ version: 2, document });
  const shown = await policy("show");
  expect(shown.out).toMatch(/^ledger.write +nobody$/m);
  expect(shown.out).toMatch(/^any +2 +ann, bb /m);
  const stdin = vi.spyOn(process, "stdin", "get");
  try {
    const piped = new PassThrough();
    stdin.mockReturnValue(piped as never);
    piped.end("{}");
    expect((await policy("set", "-")).out).toMatch(/^Version 3\./);
  } finally {
    stdin.mockRestore();
  }

  await writeFile(file, '{"default": {"approvals": 0, "approver": ["ann"]}}');
  const wrong = await policy("set", file);
  expect(wrong).toMatchObject({ code: 2, out: "", err: expect.stringContaining("no policy") });
  expect(wrong.err).toMatch(/"approver".*at default/s);
  await writeFile(file, "{");
  expect(await policy("set", file)).toMatchObject({
    ...{ code: 2, err: expect.stringContaining("not JSON") },
  });
  expect(await policy("set", "lax")).toMatchObject({
    ...{ code: 2, err: expect.stringContaining("neither local nor strict") },
  });
  expect(JSON.parse((await policy("show", "--json")).out)).toMatchObject({ version: 3 });
  expect(await run(["policy", "set", "strict", "--project", "none"])).toMatchObject({ code: 1 });
});

test("keys are listed and revoked, for good", async () => {
  await desk.project("keyed");
  const keys = (...args: string[]) => run(["keys", ...args, "--project", "keyed"]);
  expect(await keys("list")).toMatchObject({ code: 0, out: "No keys.\n" });
  const file = join(dir, "listed.pem");
  const made = await keys("new", file, "--register", "--owner", "bob", "--json");
  const { id } = JSON.parse(made.out);
  expect((await keys("list")).out).toMatch(new RegExp(`^${id} +bob +${OWNER} +.* -$`, "m"));
  for (const _ of ["once", "again"]) {
    expect(await keys("revoke", id)).toMatchObject({
      ...{ code: 0, out: expect.stringContaining(`Revoked ${id}`), err: "" },
    });
  }
  expect(JSON.parse((await keys("revoke", id, "--json")).out)).toEqual({ id, revoked: true });
  expect(JSON.parse((await keys("list", "--json")).out).items).toMatchObject([
    { id, owner: "bob", revokedAt: expect.any(String) },
  ]);
  expect(await keys("revoke", "0".repeat(32))).toMatchObject({
    ...{ code: 1, err: expect.stringContaining("There is no key") },
  });
  expect(await keys("revoke", "bob")).toMatchObject({
    ...{ code: 2, err: expect.stringContaining("keys list") },
  });
});

test("an effect that nobody could find out about is resolved, or the resolution refused", async () => {
  const { id } = await waiting("unknown");
  const [effect] = (await json("effects", "list", "--limit", "1")).items;
  const resolve = (...args: string[]) => run(["effects", "resolve", effect.id, ...args]);
  expect(await resolve("abandon")).toMatchObject({
    code: 1,
    err: expect.stringContaining("nothing to resolve"),
  });
  await world.database
    .update(effects)
    .set({ status: "unknown", sentAt: new Date() })
    .where(eq(effects.id, effect.id));
  expect(await resolve("adopt")).toMatchObject({
    code: 1,
    err: expect.stringContaining("nothing_to_adopt"),
  });
  expect(await resolve("forget")).toMatchObject({ code: 2 });
  expect(await resolve("abandon")).toMatchObject({ code: 0, out: "Accepted: it is abandoned.\n" });
  expect((await run(["deny", id, "--yes"])).code).toBe(0);
}, 60_000);

test("an audit chain verifies, and what was changed or cut off is named", async () => {
  const live = await run(["audit", "verify"]);
  expect(live).toMatchObject({ code: 0, out: expect.stringMatching(/^Whole: \d+ entries of cli/) });
  const file = join(dir, "audit.jsonl");
  expect((await run(["audit", "export", file])).code).toBe(0);
  expect((await json("audit", "verify", file)).ok).toBe(true);
  const lines = (await readFile(file, "utf8")).trimEnd().split("\n");
  const changed = lines.map((line) =>
    line.replace('"approval":"granted"', "").replace("hello", "HELLO"),
  );
  const at = lines.findIndex((line) => line.includes('"seq":3,'));
  changed[at] = (lines[at] ?? "").replace('"actor":"', '"actor":"not ');
  await writeFile(file, `${changed.join("\n")}\n`);
  const broken = await run(["audit", "verify", file]);
  expect(broken).toMatchObject({ code: 1, err: "Broken at entry 3 of cli: changed.\n" });
  await writeFile(file, `${lines.slice(0, -1).join("\n")}\n`);
  expect(await run(["audit", "verify", file])).toMatchObject({
    code: 1,
    err: expect.stringContaining("cut off"),
  });
});

test("nothing from outside reaches the terminal as a control sequence", async () => {
  const name = `a${ESC}[2J${ESC}]0;x\u0007\u009b31m\u202eb\u200b`;
  const { runId, id } = await waiting("hostile", name);
  const note = `${ESC}[1A${ESC}[2Koverwritten\r`;
  const said = [
    await run(["approve", id]),
    await run(["approvals"]),
    await run(["approvals", "--json"]),
    await run(["deny", id, "--yes", "--note", note]),
    await run(["run", runId]),
    await run(["run", runId, "--json"]),
  ];
  for (const { out, err } of said) {
    expect(out + err).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}]/u);
  }
  expect(said[0]?.out).toContain("\\u{202e}");
});

test("a list is read page by page, and approvals of all projects unless one is said", async () => {
  for (const book of ["page-1", "page-2", "page-3"]) await waiting(book);
  const seen: string[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const from: string[] = cursor === "" ? [] : ["--cursor", cursor];
    const page = await json("runs", "--limit", "2", ...from);
    seen.push(...page.items.map(({ id }: { id: string }) => id));
    cursor = page.nextCursor;
  }
  expect(seen).toEqual(
    (await json("runs", "--limit", "100")).items.map((r: { id: string }) => r.id),
  );
  expect(seen.length).toBeGreaterThan(2);
  const all = ["approvals", "--status", "all", "--json"];
  const elsewhere = { COUNTERSIGN_PROJECT: "elsewhere" };
  expect(JSON.parse((await run(all, elsewhere)).out).items.length).toBeGreaterThan(2);
  expect((await json(...all.slice(0, 3), "--project", "elsewhere")).items).toEqual([]);
}, 60_000);

test("artifacts are listed and read, here the plan of a run", async () => {
  const runId = await desk.ask("cli", "shown", [{ name: "a", value: "1" }]);
  const { planArtifactId } = await desk.approval(runId);
  const list = await run(["artifacts"]);
  expect(list.code).toBe(0);
  expect(list.out).toMatch(/^ARTIFACT +KIND +VERSION/);
  expect(list.out).toMatch(new RegExp(`${planArtifactId} +PLAN +1`));
  const one = await run(["artifact", planArtifactId ?? ""]);
  expect(one).toMatchObject({ code: 0, err: "" });
  expect(one.out).toContain("ledger.entry");
  const { code, err } = await run(["artifact", "art_none"]);
  expect(code).toBe(1);
  expect(err).toContain("There is no artifact art_none");
});

/** A project with one artifact of this text; its hash is that of the text unless another is said. */
async function publish(projectId: string, version: number, content: string, said = content) {
  const contentSha256 = createHash("sha256").update(said).digest("hex");
  await world.database.insert(artifacts).values({
    ...{ id: `${projectId}-${version}`, projectId, kind: "PRD", logicalKey: "main" },
    ...{ version, content, contentSha256 },
  });
}

test("artifacts are exported to a file that is whole or not there, and replaced only when that is said", async () => {
  const into = await mkdtemp(join(dir, "export-"));
  const out = join(into, "a.zip");
  const args = ["--project", "exported", "--out", out];
  await desk.project("exported");
  await publish("exported", 1, "# One\n");
  const told = await json("export", ...args);
  const zip = await readFile(out);
  const sha256 = createHash("sha256").update(zip).digest("hex");
  expect(told).toEqual({ path: out, bytes: zip.length, sha256 });
  expect(Buffer.from(unzipSync(zip)["artifacts/PRD/main.md"] ?? []).toString()).toBe("# One\n");

  await publish("exported", 2, "# Two\n");
  expect(await run(["export", ...args])).toMatchObject({
    ...{ code: 2, out: "", err: expect.stringContaining("--force") },
  });
  expect(await readFile(out)).toEqual(zip);
  const forced = await run(["export", ...args, "--force"]);
  expect(forced).toMatchObject({ code: 0, err: "" });
  const newer = createHash("sha256")
    .update(await readFile(out))
    .digest("hex");
  expect(newer).not.toBe(sha256);
  expect(forced.out).toMatch(new RegExp(`^File +${out}\nBytes +\\d+\nSHA-256 +${newer}\n$`));

  await desk.project("damaged");
  await publish("damaged", 1, "not this", "this");
  const damaged = await run(["export", "--project", "damaged", "--out", join(into, "b.zip")]);
  expect(damaged).toMatchObject({
    code: 1,
    err: expect.stringContaining("export_artifact_damaged"),
  });
  const nowhere = await run(["export", ...args.slice(0, 3), join(into, "none", "a.zip")]);
  expect(nowhere).toMatchObject({ code: 2, err: expect.stringContaining("ENOENT") });
  expect(await readdir(into)).toEqual(["a.zip"]);
});

test("an export may take longer than other answers; one that breaks off or is no ZIP leaves nothing", async () => {
  const into = await mkdtemp(join(dir, "export-"));
  const zip = zipSync({ "manifest.json": Buffer.from("{}") });
  const signals: { ms: number; control: AbortController }[] = [];
  const clock = vi.spyOn(AbortSignal, "timeout").mockImplementation((ms) => {
    const control = new AbortController();
    signals.push({ ms, control });
    return control.signal;
  });
  let rest: (response: ServerResponse) => void = () => {};
  const server = createServer((_, response) => {
    response.write(zip.subarray(0, 30), () => rest(response));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const fetched = async (name: string, then: typeof rest) => {
    rest = then;
    return await run(["export", "--url", url, "--out", join(into, name)]);
  };
  try {
    const slow = await fetched("slow.zip", (response) => {
      // Ten minutes pass.
      for (const { ms, control } of signals) if (ms <= 600_000) control.abort();
      response.end(zip.subarray(30));
    });
    expect(slow).toMatchObject({ code: 0, err: "" });
    expect(signals).toHaveLength(1);
    expect(await fetched("cut.zip", (response) => response.destroy())).toMatchObject({
      ...{ code: 3, out: "", err: expect.stringContaining("broke off") },
    });
    expect(await fetched("short.zip", (response) => response.end())).toMatchObject({
      ...{ code: 3, out: "", err: expect.stringContaining("no whole ZIP") },
    });
    // Somebody else's file comes there meanwhile.
    const late = await fetched("late.zip", (response) => {
      writeFileSync(join(into, "late.zip"), "theirs");
      response.end(zip.subarray(30));
    });
    expect(late).toMatchObject({ code: 2, out: "", err: expect.stringContaining("there already") });
    expect(await readFile(join(into, "late.zip"), "utf8")).toBe("theirs");
    expect((await readdir(into)).toSorted()).toEqual(["late.zip", "slow.zip"]);
    expect(await readFile(join(into, "slow.zip"))).toEqual(Buffer.from(zip));
  } finally {
    clock.mockRestore();
    server.close();
  }
});

test("a search says that it found nothing, to people and to programs", async () => {
  expect(await run(["search", "buoys", "in", "water"])).toMatchObject({
    code: 0,
    out: "Nothing found.\n",
  });
  const { code, out } = await run(["search", "buoys", "--json"]);
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ hits: [] });
});

test("a question is asked, and its reply printed with its sources; the same again has the same reply", async () => {
  const researcher = new Researcher(world, desk.client);
  await desk.project("asked");
  const says = "# Anchors\n\nEvery anchor must weigh forty kilograms.\n";
  await researcher.upload("asked", "anchors.md", Buffer.from(says));
  await researcher.ingested("asked", 1);
  const ask = (...args: string[]) => run(["chat", ...args, "--project", "asked"]);
  const question = ["What", "must", "an", "anchor", "weigh?", "--message", "anchor-1"];
  const first = await ask("anchors", ...question);
  expect(first).toMatchObject({ code: 0, err: "" });
  expect(first.out).toBe(
    'Every anchor must weigh forty kilograms. [1]\n\n[1] anchors.md: "Every anchor must weigh forty kilograms."\n',
  );
  const again = JSON.parse((await ask("anchors", ...question, "--json")).out);
  expect(again).toMatchObject({ messageId: "anchor-1", state: "answered", error: null });
  expect(again.reply.citations).toMatchObject([{ type: "file", fileName: "anchors.md" }]);
  const { messages } = await desk.client.call<{ messages: { items: unknown[] } }>(
    ...(["GET", "/api/threads/anchors"] as const),
  );
  expect(messages.items).toHaveLength(2);
  expect(await ask("anchors", "Something", "else", "--message", "anchor-1")).toMatchObject({
    ...{ code: 1, out: "", err: expect.stringContaining("says something else") },
  });
  expect(await run(["chat", "anchors", "Whose?"])).toMatchObject({
    ...{ code: 1, err: expect.stringContaining("of the project asked") },
  });
}, 60_000);

test("a question that failed is 1 with what to do, and a reply that does not come in time is 5", async () => {
  const threadId = "held";
  const { database } = world;
  await database
    .insert(chatThreads)
    .values({ id: threadId, projectId: "cli", title: "Why?", createdBy: OWNER });
  await database
    .insert(chatMessages)
    .values({ id: "held-1", threadId, role: "user", content: "Why?", state: "pending" });
  // Whoever holds the thread's row keeps the app from answering in it.
  await database.transaction(async (tx) => {
    await tx.execute(sql`select 1 from chat_threads where id = ${threadId} for no key update`);
    const asked = run(["chat", threadId, "Why?", "--message", "held-1"]);
    await until("the app that waits", async () => {
      const { rows } = await database.execute(
        sql`select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      );
      return rows.length > 0;
    });
    const failed = { state: "failed", error: "It broke.", remediation: "Mend it." } as const;
    await database.update(chatMessages).set(failed).where(eq(chatMessages.id, "held-1"));
    expect(await asked).toEqual({ code: 1, out: "", err: "It broke.\nMend it.\n" });
    const late = await run(["chat", threadId, "When?", "--wait", "1", "--json"]);
    expect(late).toMatchObject({ code: 5, err: expect.stringContaining("--message msg_") });
    expect(JSON.parse(late.out)).toMatchObject({ threadId, state: "unknown", reply: null });
  });
}, 60_000);

test("skills are listed, put and deleted", async () => {
  await desk.project("skilled");
  const cmd = (...args: string[]) => run([...args, "--project", "skilled"]);
  expect((await cmd("skills")).out).toMatch(/^threat-modelling +bundled +\S/m);
  const file = join(dir, "SKILL.md");
  const text = "---\nname: threat-modelling\ndescription: Ours\n---\n\nBe brief.\n";
  await writeFile(file, text);
  expect(await cmd("skill", "put", "threat-modelling", file)).toMatchObject({
    ...{ code: 0, out: "Saved threat-modelling: Ours\n", err: "" },
  });
  expect((await cmd("skills")).out).toMatch(/^threat-modelling +project, overrides +Ours$/m);
  expect(await cmd("skill", "put", "other", file)).toMatchObject({
    ...{ code: 1, err: expect.stringContaining("names the skill") },
  });
  expect(await cmd("skill", "put", "other", join(dir, "none"))).toMatchObject({ code: 2 });
  expect(await cmd("skill", "delete", "..")).toMatchObject({
    ...{ code: 2, err: expect.stringContaining("skill's name") },
  });
  expect((await cmd("skill", "delete", "threat-modelling")).code).toBe(0);
  expect((await cmd("skills")).out).toMatch(/^threat-modelling +bundled/m);
  expect(await cmd("skill", "delete", "threat-modelling")).toMatchObject({
    ...{ code: 1, err: expect.stringContaining("no skill threat-modelling") },
  });
});

describe("a mistake", () => {
  test.each<[string, number, string, string[], Record<string, string>?]>([
    ["no command", 2, "Usage:", []],
    ["a command that is none", 2, "unknown command", ["frob"]],
    ["an option that is none", 2, "unknown option", ["runs", "--frob"]],
    ["a missing argument", 2, "missing required argument", ["approve"]],
    ["a limit that is none", 2, "whole number", ["runs", "--limit", "0"]],
    ["an event that is none", 2, "no event run.finished", ["send", "run.finished", "--data", "{}"]],
    ["data that is not JSON", 2, "not JSON", ["send", "run.requested", "--data", "{"]],
    ["data that does not fit", 2, "at kind", ["send", "run.requested", "--data", "{}"]],
    ["a file that is not there", 2, "cannot be read", ["send", "run.requested", "--data", "@none"]],
    ["a thread id that is none", 2, "no thread id", ["chat", "a/b", "Why?"]],
    ["a question that says nothing", 2, "no question", ["chat", "a", " "]],
    ["an approval that is not there", 1, "There is no approval", ["approve", "none", "--yes"]],
    ["a run that is not there", 1, "There is no run", ["run", "none"]],
    ["a project that is not there", 1, "no project", ["runs", "--project", "none"]],
    ["an export that is none", 1, "no audit export", ["audit", "verify", MAIN]],
    ["no address", 2, "Where is Countersign", ["approvals"], { COUNTERSIGN_URL: "" }],
    ["an address that is none", 2, "COUNTERSIGN_URL", ["approvals"], { COUNTERSIGN_URL: "x" }],
    ["no project", 2, "Which project", ["runs"], { COUNTERSIGN_PROJECT: "" }],
    ["no token", 4, "Who are you", ["approvals"], { COUNTERSIGN_TOKEN: "" }],
    ["a token that is not ours", 4, "not valid", ["approvals"], { COUNTERSIGN_TOKEN: "a.b.c" }],
    ["nobody there", 3, "Is it running", ["approvals", "--url", "http://127.0.0.1:1"]],
    [
      "no Inngest there",
      3,
      "did not take",
      ["send", "project.deleted", "--data", '{"projectId":"x","by":"x"}'],
      { INNGEST_DEV: "http://127.0.0.1:1" },
    ],
  ])("%s ends with %i and a sentence", async (_, code, says, args, env) => {
    // So that what npm start left on this machine is not found.
    const config = join(dir, "cli.json");
    await writeFile(config, "{}");
    const ended = await run(args.length > 0 ? [...args, "--config", config] : args, env);
    expect(ended.err).toContain(says);
    expect(ended.err).not.toMatch(/^ +at .*[:(]|node:internal/m);
    expect(ended.code).toBe(code);
  });
});

test("settings come from flags, then the environment, then the file of npm start", async () => {
  const { cloud } = world;
  const config = join(dir, "kept.json");
  const { appUrl: url, inngestUrl: inngest } = cloud;
  await writeFile(config, JSON.stringify({ url, inngest, token, project: "cli" }));
  const unset = {
    COUNTERSIGN_URL: "",
    COUNTERSIGN_TOKEN: "",
    COUNTERSIGN_PROJECT: "",
    INNGEST_DEV: "",
  };
  const kept = ["--config", config];
  expect((await run(["runs", ...kept], unset)).code).toBe(0);
  const elsewhere = "http://127.0.0.1:1";
  expect((await run(["runs", ...kept], { ...unset, COUNTERSIGN_URL: elsewhere })).code).toBe(3);
  const flags = ["--url", url];
  expect(
    (await run(["runs", ...kept, ...flags], { ...unset, COUNTERSIGN_URL: elsewhere })).code,
  ).toBe(0);
});

test("what npx starts does the same, with its exit code", async () => {
  const listed = await spawned(["runs", "--json"]);
  expect(listed).toMatchObject({ code: 0, err: "" });
  expect(JSON.parse(listed.out).items).toBeInstanceOf(Array);
  expect(await spawned(["approve", "none", "--yes"])).toMatchObject({ code: 1, out: "" });
}, 60_000);
