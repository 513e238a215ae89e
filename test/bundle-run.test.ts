import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { promisify } from "node:util";
import { and, eq } from "drizzle-orm";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { closeDb } from "#db/client.ts";
import {
  approvals,
  artifacts,
  deployments,
  infraResources,
  runs,
  sandboxJobs,
} from "#db/schema.ts";
import { signStatement } from "#lib/approvals/proof.ts";
import { BUNDLE_KIND, PROVENANCE_KIND } from "#lib/artifacts/kinds.ts";
import { auditPublicKey, type PublicKeys, publicKeys } from "#lib/audit/checkpoint.ts";
import { checkpointProject } from "#lib/audit/checkpoints.ts";
import { readAuditExport } from "#lib/audit/read-export.ts";
import { mintLocalToken } from "#lib/auth/local.ts";
import { blobStore } from "#lib/blob/blob.ts";
import { recordCut } from "#lib/bundle/cut.ts";
import { bundleCut, finalizeRun } from "#lib/bundle/finalize.ts";
import type {
  BundledApproval,
  BundledEffect,
  BundledKeys,
  BundledPolicy,
} from "#lib/bundle/format.ts";
import { makeBundle } from "#lib/bundle/make.ts";
import { canonicalJson, sha256 } from "#lib/canonical.ts";
import { unbundledRuns } from "#lib/data/bundles.server.ts";
import { acceptRun } from "#lib/runs/accept.ts";
import { beginRun, cancelRun, failRun } from "#lib/runs/life.ts";
import { until } from "#local/client.ts";
import { Hub } from "#local/hub.ts";
import {
  changed,
  type Files,
  fetchBundle,
  packed,
  repacked,
  said,
  unpacked,
  verify,
} from "./support/bundles.ts";
import { canaries, packs, Search } from "./support/canaries.ts";
import { OWNER, type TestCloud, testCloud } from "./support/cloud.ts";
import { approverKey } from "./support/keys.ts";
import { RunDesk } from "./support/runs.ts";

const ENTRIES = [
  { name: "a", value: "1" },
  { name: "b", value: "2" },
];
const planted = canaries();
const PROJECT = "bundles";

let world: TestCloud;
let desk: RunDesk;
let token: string;
let trusted: PublicKeys;
let dir: string;

/** One run for each way to end, under way at once in one project: their entries lie between one another. */
const ids = new Map<string, string>();
const before = { ...process.env };

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "bundle-run-"));
  world = await testCloud({ env: { SANDBOX_TRUSTED_REPOS: "acme/bundled" } });
  desk = new RunDesk(world, await world.client());
  token = await mintLocalToken(OWNER);
  const { DATABASE_URL, NEON_WS_PROXY, BLOB_DIR, AUDIT_SIGNING_KEY } = world.cloud.env;
  Object.assign(process.env, { DATABASE_URL, BLOB_DIR, AUDIT_SIGNING_KEY });
  if (NEON_WS_PROXY) process.env.NEON_WS_PROXY = NEON_WS_PROXY;
  trusted = publicKeys(auditPublicKey());
  await desk.project(PROJECT);
  await runAll();
}, 300_000);
afterAll(async () => {
  await closeDb();
  await world?.close();
  await rm(dir, { recursive: true, force: true });
  process.env = before;
});

async function runAll(): Promise<void> {
  await desk.ledger("POST", "/books/failed/objects", {
    ...{ kind: "entry", name: "b", value: "somebody else's", head: "h0", marker: "other" },
  });
  for (const name of ["succeeded", "denied", "expired", "failed", "canceled"]) {
    const [secrets] = packs(planted, { mark: "value", limit: 9000, separator: "\n" });
    const value = secrets?.text ?? "";
    const entries = name === "succeeded" ? [...ENTRIES, { name: "c", value }] : ENTRIES;
    ids.set(name, await desk.ask(PROJECT, name, entries));
  }
  ids.set("plan", await desk.ask(PROJECT, "plan", ENTRIES, { mode: "plan" }));
  const moving = await desk.project("bundles-automatic");
  const automatic = { scopes: { "ledger.write": { automatic: true } } };
  await desk.client.call("PUT", `/api/projects/${moving}/policy`, automatic);
  ids.set("automatic", await desk.ask(moving, "automatic", ENTRIES));
  ids.set("moved", await desk.ask(PROJECT, "moved", ENTRIES));
  const research = `run-research-${Date.now()}`;
  ids.set("research", research);
  await desk.client.send({
    name: "run.requested",
    data: {
      ...{ projectId: PROJECT, runId: research, kind: "research", requestedBy: "ci" },
      input: { brief: "Nothing is known", artifacts: ["PRD"] },
    },
  });
  const waiting = async (name: string) => {
    const approval = await desk.approval(id(name));
    await desk.reached(id(name), "waiting_approval");
    return approval;
  };
  const [note] = packs(planted, { mark: "note", limit: 3900 });
  const due = await waiting("expired");
  await world.database
    .update(approvals)
    .set({ expiresAt: new Date(Date.now() - 1000) })
    .where(eq(approvals.id, due.id));
  const first = await waiting("moved");
  await desk.ledger("PUT", "/books/moved/head", { head: "h1" });
  await desk.decide("granted", first);
  await desk.decide("granted", await desk.approval(id("moved"), "pending", first));
  await waiting("succeeded");
  expect(await checkpointProject(PROJECT)).toMatchObject({ outcome: "written" });
  await desk.decide("granted", await waiting("succeeded"), { note: note?.text });
  await desk.decide("denied", await waiting("denied"), { note: "not on a Friday" });
  await desk.decide("granted", await waiting("failed"));
  await waiting("canceled");
  const stop = { projectId: PROJECT, runId: id("canceled"), by: OWNER, reason: "not wanted" };
  await desk.client.send({ name: "run.cancel.requested", data: stop });
  await desk.reached(id("succeeded"), "succeeded");
  await desk.reached(id("moved"), "succeeded");
  await desk.reached(id("automatic"), "succeeded");
  await desk.reached(id("denied"), "failed");
  await desk.reached(id("failed"), "failed");
  await desk.reached(id("canceled"), "canceled");
  await desk.reached(id("plan"), "succeeded");
  await desk.reached(id("research"), "succeeded", 60);
}

function id(name: string): string {
  const found = ids.get(name);
  if (!found) throw new Error(`no run ${name}`);
  return found;
}

const bundleOf = async (name: string) => (await fetchBundle(world, token, id(name))).zip;

async function provenanceOf(name: string) {
  const [row] = await world.database
    .select()
    .from(artifacts)
    .where(and(eq(artifacts.runId, id(name)), eq(artifacts.kind, PROVENANCE_KIND)));
  if (!row) throw new Error(`no provenance of ${name}`);
  return row;
}

describe("a run of each end", () => {
  test.each([
    ["succeeded", "succeeded", null],
    ["denied", "failed", /^It failed: approval_denied: /],
    ["failed", "failed", null],
    ["canceled", "canceled", /^It was canceled before anything/],
    ["plan", "succeeded", /mode plan/],
    ["moved", "succeeded", null],
    ["automatic", "succeeded", null],
  ])("%s: its bundle verifies and tells so", tellsSo);

  test("a research run has none: it changes nothing outside", async () => {
    const path = `/api/runs/${id("research")}/bundle`;
    await expect(desk.client.call("GET", path)).rejects.toThrow(/404.*no_bundle/s);
    const published = await world.database
      .select()
      .from(artifacts)
      .where(eq(artifacts.runId, id("research")));
    expect(published.map(({ kind }) => kind)).not.toContain(PROVENANCE_KIND);
  });

  test("the checkpoint that was made while it was under way is in it, and the whole chain bears it out", async () => {
    const zip = await bundleOf("succeeded");
    const chain = await chainText(PROJECT);
    const verdict = await verify(zip, trusted, readAuditExport(chain));
    expect(said(verdict, "checkpoints")).toBe("ok: 1 checkpoints have seen this chain");
    expect(said(verdict, "export")).toMatch(/^ok/);
    // Of the chain of another project the slice is no part.
    const other = await chainText("bundles-automatic");
    const foreign = await verify(zip, trusted, readAuditExport(other));
    expect(said(foreign, "export")).toMatch(/^failed: the export is of the project/);
  });

  test("what was sent is in it, with what was approved", async () => {
    const files = unpacked(await bundleOf("failed"));
    const effects: BundledEffect[] = JSON.parse(String(files["effects.json"]));
    expect(effects.map(({ status }) => status)).toEqual(["confirmed", "failed"]);
    const lines = String(files["audit.jsonl"]).trimEnd().split("\n");
    const kinds = new Set(lines.map((line) => Object.keys(JSON.parse(line))[0]));
    expect(kinds).toContain("entry");
    expect(kinds).toContain("stub");
    for (const line of lines) {
      const { entry } = JSON.parse(line);
      if (entry) expect(JSON.stringify(entry)).toContain(id("failed"));
    }
  });
});

describe("the same again", () => {
  test("is byte-identical, by another process than made it first, after other runs of the project and a resumed one", async () => {
    const zip = await bundleOf("denied");
    const provenance = await provenanceOf("denied");
    await desk.request(PROJECT, id("denied"), "denied", ENTRIES);
    await desk.decide("granted", await desk.approval(id("denied")));
    await desk.reached(id("denied"), "succeeded");
    const made = await makeBundle(provenance);
    const again = Buffer.from(await new Response(made.stream).arrayBuffer());
    expect(again.equals(zip)).toBe(true);
    // The second end has a bundle of its own, in which the first is told of.
    const second = await until("another bundle", async () => {
      const { zip: now } = await fetchBundle(world, token, id("denied"));
      return now.equals(zip) ? null : now;
    });
    const verdict = await verify(second, trusted);
    expect(verdict.checks.filter(({ outcome }) => outcome === "failed")).toEqual([]);
    expect(verdict.run).toMatchObject({ status: "succeeded", nothingShipped: null });
  }, 90_000);

  test("what was there when the run ended stays in it: deployments, resources, jobs and what they said", async () => {
    const run = { projectId: "bundles-automatic", runId: "run-rows" };
    const { projectId, runId } = run;
    const asked = { ...run, kind: "implementation" as const, requestedBy: "ci", eventId: "rows" };
    await acceptRun({ ...asked, input: { target: "ledger", book: "rows", entries: ENTRIES } });
    const { database } = world;
    const deployment = { vercelProjectId: "prj_1", vercelDeploymentId: "dpl_1" };
    const row = { ...run, ...deployment, id: "dep_1", deploymentUrl: "https://a.example" };
    await database.insert(deployments).values(row);
    const resource = { id: "infra_1", provider: "neon" as const, resourceType: "project" };
    await database.insert(infraResources).values({ ...run, ...resource, externalId: "neon-1" });
    const transcript = `projects/${projectId}/runs/${runId}/jobs/job_1.txt`;
    await blobStore().put(transcript, Readable.from([Buffer.from("all tests passed\n")]));
    const job = { ...run, stepId: "s", jobType: "verify.test", transcriptBlobRef: transcript };
    const gone = { transcriptBlobRef: `${transcript}-gone`, jobType: "verify.lint" };
    await database.insert(sandboxJobs).values([
      { ...job, id: "job_1", status: "succeeded", endedAt: new Date() },
      { ...job, ...gone, id: "job_2", status: "running" },
    ]);
    await cancelRun({ ...run, by: OWNER, reason: "enough" });
    await finalizeRun(run);
    ids.set("rows", runId);
    const zip = await bundleOf("rows");
    const verdict = await verify(zip, trusted);
    expect(verdict.checks.filter(({ outcome }) => outcome === "failed")).toEqual([]);
    const files = unpacked(zip);
    expect(String(files["transcripts/job_1.txt"])).toBe("all tests passed\n");
    const omitted = [{ path: "transcripts/job_2.txt", reason: "its blob is gone" }];
    expect(JSON.parse(String(files["manifest.json"]))).toMatchObject({ omitted });
    expect(JSON.parse(String(files["deployments.json"]))).toMatchObject([{ status: "queued" }]);
    expect(JSON.parse(String(files["infra.json"]))).toMatchObject([{ externalId: "neon-1" }]);

    await database
      .update(deployments)
      .set({ status: "building" })
      .where(eq(deployments.id, "dep_1"));
    await database
      .update(infraResources)
      .set({ runId: null })
      .where(eq(infraResources.id, "infra_1"));
    await database
      .update(sandboxJobs)
      .set({ status: "canceled", endedAt: new Date() })
      .where(eq(sandboxJobs.id, "job_2"));
    const again = await makeBundle(await provenanceOf("rows"));
    expect(Buffer.from(await new Response(again.stream).arrayBuffer()).equals(zip)).toBe(true);
  });

  test("without a key to sign with it is unsigned, and says so", async () => {
    const { AUDIT_SIGNING_KEY: key } = process.env;
    delete process.env.AUDIT_SIGNING_KEY;
    const made = await makeBundle(await provenanceOf("succeeded")).finally(() => {
      process.env.AUDIT_SIGNING_KEY = key;
    });
    const verdict = await verify(Buffer.from(await new Response(made.stream).arrayBuffer()));
    expect(verdict.ok).toBe(true);
    expect(said(verdict, "signature")).toMatch(/^absent: unsigned/);
    expect(said(verdict, "provenance")).toMatch(/^ok/);
    // Its checkpoint is of a key that it does not bring.
    expect(said(verdict, "checkpoints")).toMatch(/^absent: .* give it/);
  });

  test("made by several at once it is one bundle, and the sweeper has nothing left to do", async () => {
    const runId = id("automatic");
    const run = { projectId: "bundles-automatic", runId };
    const all = await Promise.all([1, 2, 3].map(() => finalizeRun(run)));
    expect(new Set(all.map((one) => JSON.stringify(one))).size).toBe(1);
    const due = { kind: BUNDLE_KIND, olderThanMs: 0, withinDays: 1, limit: 100 };
    expect((await unbundledRuns(due)).map((row) => row.id)).not.toContain(runId);
    // One whose event never came, since nobody sent it.
    const lost = "run-lost";
    const asked = { ...run, runId: lost, kind: "implementation" as const, requestedBy: "ci" };
    const input = { target: "ledger", book: "lost", entries: ENTRIES };
    await acceptRun({ ...asked, input, eventId: "lost" });
    expect(await finalizeRun({ ...run, runId: lost })).toEqual({ outcome: "not ended" });
    await cancelRun({ ...run, runId: lost, by: OWNER, reason: "nobody hears of it" });
    expect((await unbundledRuns(due)).map((row) => row.id)).toContain(lost);
    expect(await finalizeRun({ ...run, runId: lost })).toMatchObject({ outcome: "bundled" });
    expect((await unbundledRuns(due)).map((row) => row.id)).not.toContain(lost);
  });

  test("made so slowly that the run has ended once more meanwhile, it does not stand before that end's", async () => {
    const run = { projectId: "bundles-automatic", runId: "run-slow" };
    const { runId } = run;
    const asked = { ...run, kind: "implementation" as const, requestedBy: "ci" };
    const input = { target: "ledger", book: "slow", entries: ENTRIES };
    await acceptRun({ ...asked, input, eventId: "slow-1" });
    await beginRun({ runId, inngestRunId: "engine" });
    await failRun({ runId, inngestRunId: "engine", error: "no_luck: try again" });
    const older = await recordCut(run);
    if (!older) throw new Error("the run has not ended");
    await acceptRun({ ...asked, input, eventId: "slow-2" });
    await cancelRun({ ...run, by: OWNER, reason: "enough" });
    const newer = await finalizeRun(run);
    expect(newer).toMatchObject({ outcome: "bundled" });
    expect(await bundleCut(run, older)).toMatchObject({ metadata: { attempt: 2 } });
    ids.set("slow", runId);
    expect((await verify(await bundleOf("slow"), trusted)).run).toMatchObject({
      status: "canceled",
    });
    expect(await finalizeRun(run)).toEqual(newer);
  });

  test("its input is the one that was asked for: a new budget changes nothing, a changed row is not signed", async () => {
    const run = { projectId: "bundles-automatic", runId: "run-input" };
    const { runId } = run;
    const asked = { ...run, kind: "implementation" as const, requestedBy: "ci" };
    const changes = { from: "model" };
    const input = { target: "repository", repository: "acme/none", title: "A change", changes };
    await acceptRun({ ...asked, input: { ...input, budget: { calls: 1 } }, eventId: "input-1" });
    await beginRun({ runId, inngestRunId: "engine" });
    await failRun({ runId, inngestRunId: "engine", error: "no_luck: try again" });
    await acceptRun({ ...asked, input: { ...input, budget: { calls: 2 } }, eventId: "input-2" });
    await cancelRun({ ...run, by: OWNER, reason: "enough" });
    await finalizeRun(run);
    ids.set("input", runId);
    const zip = await bundleOf("input");
    expect((await verify(zip, trusted)).ok).toBe(true);
    expect(JSON.parse(String(unpacked(zip)["run.json"])).input).toEqual(input);
    const lie = { input: { ...input, title: "Another change" } };
    await world.database.update(runs).set(lie).where(eq(runs.id, runId));
    const again = makeBundle(await provenanceOf("input"));
    await expect(again).rejects.toThrow(/not the one that it was asked for with/);
  });

  test("told many times of its end, a run has one bundle", async () => {
    const data = { projectId: PROJECT, runId: id("succeeded") };
    const sent = await Promise.all(
      [1, 2, 3, 4].map((n) => desk.client.send({ name: "run.succeeded", data, id: `again-${n}` })),
    );
    await desk.client.runs(sent.flat());
    const rows = await world.database
      .select({ kind: artifacts.kind })
      .from(artifacts)
      .where(eq(artifacts.runId, id("succeeded")));
    const kinds = rows.map(({ kind }) => kind).sort();
    expect(kinds).toEqual([PROVENANCE_KIND, BUNDLE_KIND, "PLAN"].sort());
  });
});

describe("a bundle that somebody has changed", () => {
  let zip: Buffer;
  let files: Files;
  beforeAll(async () => {
    zip = await bundleOf("succeeded");
    files = unpacked(zip);
  }, 90_000);

  const failedChecks = async (bytes: Uint8Array, keys: PublicKeys | undefined = trusted) => {
    const verdict = await verify(bytes, keys);
    expect(verdict.ok).toBe(false);
    return verdict;
  };

  test("by any byte: it fails, and names the file where it is in one", async () => {
    const step = Math.max(1, Math.floor(zip.length / 400));
    const at = new Map<string, number>();
    for (const [path, bytes] of Object.entries(files)) at.set(path, zip.indexOf(bytes));
    for (let i = 0; i < zip.length; i += step) {
      const flipped = Buffer.from(zip);
      flipped[i] = (flipped[i] ?? 0) ^ (1 << (i % 8));
      const { checks } = await failedChecks(flipped);
      const path = [...at].find(
        ([name, from]) => i >= from && i < from + (files[name]?.length ?? 0),
      )?.[0];
      const reasons = checks.filter(({ outcome }) => outcome === "failed");
      const told = JSON.stringify(reasons);
      if (path) expect(told, `byte ${i} of ${path}`).toContain(path);
      else
        expect(told, `byte ${i}`).toMatch(/byte \d+|no whole ZIP|none of ours|compressed|larger/);
    }
  }, 120_000);

  test("by any value in it, with hashes that fit: it fails, and the verifier does not", async () => {
    const names = Object.keys(files).filter((path) => path.endsWith(".json"));
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat(), fc.jsonValue({ maxDepth: 1 }), async (n, m, value) => {
        const path = names[n % names.length] ?? "";
        const lie = changed<object>(files, path, (root) => {
          const places = placesIn(root);
          const [holder, key] = places[m % places.length] ?? [root as Place[0], "more"];
          holder[key] = value;
        });
        if (lie[path]?.equals(files[path] ?? Buffer.from(""))) return;
        await failedChecks(await (path === "manifest.json" ? packed(lie) : repacked(lie)));
      }),
      { numRuns: 300 },
    );
  }, 120_000);

  test("by bytes before, behind or cut off", async () => {
    await failedChecks(Buffer.concat([zip, Buffer.from([0])]));
    await failedChecks(Buffer.concat([Buffer.from([0]), zip]));
    await failedChecks(zip.subarray(0, -1));
    await failedChecks(zip.subarray(0, zip.length / 2));
    await failedChecks(Buffer.alloc(0));
  });

  test("by a file that is gone, or one more", async () => {
    for (const path of Object.keys(files)) {
      const { [path]: _, ...rest } = files;
      const verdict = await failedChecks(await packed(rest));
      expect(JSON.stringify(verdict.checks)).toContain(path);
    }
    const more = { ...files, "readme.txt": Buffer.from("hello") };
    expect(said(await failedChecks(await packed(more)), "manifest")).toContain("readme.txt");
    expect(said(await failedChecks(await repacked(more)), "signature")).toMatch(/^ok/);
    expect(said(await failedChecks(await repacked(more)), "provenance")).toMatch(/^failed/);
  });

  test("by the params of an effect, with hashes that fit", async () => {
    const lie = (params: Record<string, unknown>) => {
      params.value = "9";
    };
    const inEffects = changed<BundledEffect[]>(files, "effects.json", ([one]) =>
      lie(one?.params ?? {}),
    );
    expect(said(await failedChecks(await repacked(inEffects)), "effects")).toMatch(
      /params of eff_/,
    );
    const inBoth = changed<BundledApproval[]>(inEffects, "approvals.json", ([one]) =>
      lie(one?.covers[0]?.params ?? {}),
    );
    const verdict = await failedChecks(await repacked(inBoth));
    expect(said(verdict, "effects")).toContain("its params are not what was approved");
    const intentsToo = changed<BundledApproval[]>(inBoth, "approvals.json", ([one]) =>
      lie(one?.covers[0]?.intent ?? {}),
    );
    expect(said(await failedChecks(await repacked(intentsToo)), "approvals")).toContain(
      "is not of the intents that it lists",
    );
  });

  test("by the order of what was done, which says how production was left", async () => {
    const turned = changed<BundledEffect[]>(files, "effects.json", (all) => {
      all.reverse();
    });
    expect(said(await failedChecks(await repacked(turned)), "account")).toMatch(
      /effects\.json: eff_\w+ stands where the chain has another/,
    );
  });

  test("by what was asked for, or when an approval was", async () => {
    const { requestedAt } = JSON.parse(String(files["run.json"]));
    const input = changed<{ input: object }>(files, "run.json", (run) =>
      set(run.input, { book: "other" }),
    );
    expect(said(await failedChecks(await repacked(input)), "account")).toMatch(
      /run\.json: the input of \S+ is not the one that was asked for/,
    );
    const earlier = changed<BundledApproval[]>(files, "approvals.json", ([one]) =>
      set(one, { requestedAt }),
    );
    expect(said(await failedChecks(await repacked(earlier)), "account")).toMatch(
      /approvals\.json: appr_\w+ is not as the chain tells it \(requestedAt\)/,
    );
  });

  test("by an approval of another run in the place of its own", async () => {
    const other = unpacked(await bundleOf("failed"));
    const swapped = { ...files, "approvals.json": other["approvals.json"] ?? Buffer.from("") };
    const verdict = await failedChecks(await repacked(swapped));
    expect(said(verdict, "account")).toMatch(/^failed: approvals\.json: appr_/);
    expect(said(verdict, "effects")).toContain("without an approval");
  });

  test.each([
    [
      "another decider",
      (one: BundledApproval) => set(one.decisions[0], { by: "mallory" }),
      "mallory",
    ],
    [
      "the requester",
      (one: BundledApproval) => set(one, { requestedBy: OWNER }),
      "asked for by another",
    ],
    [
      "a quorum that was not met",
      (one: BundledApproval) => set(one, { quorum: 2 }),
      "without the decisions",
    ],
    [
      "a grant after the expiry",
      (one: BundledApproval) => set(one, { expiresAt: "2020-01-01T00:00:00.000Z" }),
      "expired",
    ],
    ["no decision", (one: BundledApproval) => set(one, { decisions: [] }), "without the decisions"],
  ])("by %s: the judge says no", async (_what, change, reason) => {
    const lie = changed<BundledApproval[]>(files, "approvals.json", ([one]) => one && change(one));
    const verdict = await failedChecks(await repacked(lie));
    expect(said(verdict, "approvals")).toContain(reason);
    // The chain says of each but who asked for an approval, which is the run's to say.
    if (reason !== "asked for by another") expect(said(verdict, "account")).toMatch(/^failed/);
  });

  test.each([
    { seconds: 0, verdict: /^ok/ },
    { seconds: 59, verdict: /^ok/ },
    { seconds: 61, verdict: /^failed: .*expired/ },
  ])(
    "a decision counts when it was judged in time and written down $seconds s later",
    async (row) => {
      const lie = changed<BundledApproval[]>(files, "approvals.json", ([one]) => {
        const at = Date.parse(one?.decisions[0]?.at ?? "");
        if (one) set(one, { expiresAt: new Date(at - row.seconds * 1000).toISOString() });
      });
      expect(said(await failedChecks(await repacked(lie)), "approvals")).toMatch(row.verdict);
    },
  );

  test("by an entry that is gone from the chain, or is another", async () => {
    const lines = String(files["audit.jsonl"]).trimEnd().split("\n");
    const sent = lines.findIndex((line) => line.includes('"effect.sent"'));
    const without = lines.toSpliced(sent, 1);
    const cut = { ...files, "audit.jsonl": Buffer.from(`${without.join("\n")}\n`) };
    expect(said(await failedChecks(await repacked(cut)), "chain")).toMatch(/stands where/);
    const lie = lines.with(sent, String(lines[sent]).replace('"attempt":1', '"attempt":2'));
    const rewritten = { ...files, "audit.jsonl": Buffer.from(`${lie.join("\n")}\n`) };
    expect(said(await failedChecks(await repacked(rewritten)), "chain")).toContain(
      "is not what was hashed",
    );
  });

  test("by an entry of its own that is hidden as one of others: the whole chain tells", async () => {
    const lines = String(files["audit.jsonl"]).trimEnd().split("\n");
    const at = lines.findIndex((line) => line.includes('"run.waiting_approval"'));
    const { entry } = JSON.parse(String(lines[at]));
    const { seq, prevHash, hash } = entry;
    const stub = canonicalJson({ stub: { hash, prevHash, seq } });
    const hidden = { ...files, "audit.jsonl": Buffer.from(`${lines.with(at, stub).join("\n")}\n`) };
    const chain = await chainText(PROJECT);
    const verdict = await verify(await repacked(hidden), trusted, readAuditExport(chain));
    expect(said(verdict, "chain")).toMatch(/^ok/);
    expect(said(verdict, "export")).toBe(
      `failed: entry ${seq} (run.waiting_approval) is about the run, and the bundle hides it`,
    );
  });

  test("by a checkpoint that nobody has signed", async () => {
    const lie = String(files["audit.jsonl"]).replace(
      /("checkpoint":\{[^}]*"signature":")[^"]+/,
      `$1${Buffer.alloc(64).toString("base64url")}`,
    );
    const forged = { ...files, "audit.jsonl": Buffer.from(lie) };
    expect(said(await failedChecks(await repacked(forged)), "checkpoints")).toContain(
      "not signed by",
    );
  });

  test("by a signature that is forged, taken off, or of a key that is not trusted", async () => {
    const path = "provenance/slsa.dsse.json";
    const forged = changed<{ signatures: { sig: string }[] }>(files, path, ({ signatures }) => {
      set(signatures[0], { sig: Buffer.alloc(64, 7).toString("base64") });
    });
    expect(said(await failedChecks(await packed(forged)), "signature")).toContain("does not hold");
    const bare = changed<{ signatures: unknown[] }>(files, path, (envelope) => {
      envelope.signatures = [];
    });
    expect(said(await failedChecks(await packed(bare), undefined), "signature")).toContain(
      "unsigned",
    );
    const { publicKey } = approverKey();
    const verdict = await failedChecks(zip, publicKeys(publicKey));
    expect(said(verdict, "signature")).toContain("none of the keys that you trust");
  });
});

test("what a person has signed is verified, and what they have not is not", async () => {
  const project = await desk.project("bundles-signed");
  const key = approverKey();
  await desk.client.call("PUT", `/api/projects/${project}/policy`, {
    // Names that, one beside the other or above it, would be taken for a secret and its name.
    default: { assurance: "signature", approvers: ["bob", "ci-token", "alice1990"] },
    scopes: { "secrets.rotate": { approvals: 2, approvers: ["bob", "eve"], requester: "never" } },
  });
  const { publicKey } = key;
  await desk.client.call("POST", `/api/projects/${project}/keys`, { owner: "bob", publicKey });
  const runId = await desk.ask(project, "signed", ENTRIES);
  ids.set("signed", runId);
  const approval = await desk.approval(runId);
  const { id: approvalId, intentHash } = approval;
  const expiresAt = new Date(Date.now() + 60_000).toISOString();
  const proof = { nonce: "n".repeat(22), expiresAt };
  const statement = { approvalId, intentHash, decision: "granted", by: "bob", ...proof };
  const value = signStatement(statement, key.privateKey);
  const signature = { keyId: key.id, ...proof, value };
  await desk.decide("granted", approval, { by: "bob", signature });
  await desk.reached(runId, "succeeded");
  const zip = await bundleOf("signed");
  expect((await verify(zip, trusted)).ok).toBe(true);
  const files = unpacked(zip);
  const chain = readAuditExport(await chainText(project));
  expect(said(await verify(zip, trusted, chain), "export")).toMatch(/^ok/);
  const swapped = changed<BundledKeys>(files, "keys.json", ({ approvers: [one] }) =>
    set(one, { publicKey: approverKey().publicKey }),
  );
  const strange = await verify(await repacked(swapped), trusted, chain);
  expect(said(strange, "export")).toContain(`does not tell of the key ${key.id} of bob`);
  const loose = changed<BundledPolicy[]>(files, "policy.json", ([one]) =>
    set(one?.document.default, { assurance: "event" }),
  );
  const lenient = await verify(await repacked(loose), trusted, chain);
  expect(said(lenient, "export")).toContain("version 1 is not what the export says");
  expect(said(lenient, "policy")).toContain("is not under the rule of policy 1");
  const signed = (change: object) =>
    changed<BundledApproval[]>(files, "approvals.json", ([one]) => {
      set(one?.decisions[0]?.signature, { expiresAt, ...change });
    });
  const check = async (change: object) =>
    said(await verify(await repacked(signed(change)), trusted), "signatures");
  expect(await check({})).toMatch(/^ok: 1 signed by/);
  expect(await check({ nonce: "m".repeat(22) })).toContain("does not hold");
  expect(await check({ value: Buffer.alloc(64).toString("base64url") })).toContain("does not hold");
  expect(await check({ keyId: "0".repeat(32) })).toContain("of a key that keys.json does not have");
}, 60_000);

test("merged: its bundle is about the commit, with the patchset, the reports and what the checks said", async () => {
  const hub = new Hub(world.cloud);
  const { owner, name } = await hub.create(
    "bundled",
    join(import.meta.dirname, "../samples/repository"),
  );
  const at = { owner, repo: name };
  await desk.client.send({
    name: "repo.connected",
    data: { projectId: PROJECT, owner, name },
  });
  const runId = "run-merged";
  ids.set("merged", runId);
  const changes = { from: "files", files: [{ path: "README.md", content: "# Better\n" }] };
  const input = {
    target: "repository",
    repository: `${owner}/${name}`,
    title: "A change",
    changes,
  };
  const asked = { projectId: PROJECT, runId, kind: "implementation", requestedBy: "ci", input };
  await until("connected", async () => {
    const { items } = await desk.client.call<{ items: object[] }>(
      "GET",
      `/api/projects/${PROJECT}/repos?limit=100`,
    );
    return items.length > 0;
  });
  await desk.client.send({ name: "run.requested", data: asked });
  const push = await until(
    "the plan of the push",
    async () => (await desk.approvals(runId)).find(({ status }) => status === "pending"),
    90,
  );
  await desk.decide("granted", push);
  const { head } = await until("the pull request", async () => {
    const { data } = await hub.octokit.rest.pulls.list({ ...at, state: "open" });
    return data[0];
  });
  const good = { ...at, sha: head.sha, state: "success", context: "ci/test" } as const;
  await hub.octokit.rest.repos.createCommitStatus(good);
  await desk.decide("granted", await desk.approval(runId, "pending", push));
  await desk.reached(runId, "succeeded", 90);
  const zip = await bundleOf("merged");
  const verdict = await verify(zip, trusted);
  expect(verdict.checks.filter(({ outcome }) => outcome === "failed")).toEqual([]);
  const { data: main } = await hub.octokit.rest.repos.getBranch({ ...at, branch: "main" });
  const { sha } = main.commit;
  expect(verdict.run?.commit).toMatchObject({ repository: "acme/bundled", sha, by: "merged" });
  const files = unpacked(zip);
  const { payload } = JSON.parse(String(files["provenance/slsa.dsse.json"]));
  expect(JSON.parse(Buffer.from(payload, "base64").toString())).toMatchObject({
    subject: [{ name: "pkg:github/acme/bundled", digest: { gitCommit: sha } }],
    predicateType: "https://slsa.dev/provenance/v1",
  });
  const paths = Object.keys(files).join("\n");
  for (const kind of ["PATCHSET", "VERIFICATION_REPORT", "IMPLEMENTATION_PLAN", "PLAN"]) {
    expect(paths).toContain(`artifacts/${kind}/`);
  }
  expect(paths).toMatch(/^transcripts\/job_\w+\.txt$/m);
  const provenance = JSON.parse((await provenanceOf("merged")).content);
  expect(provenance).toMatchObject({ repository: "acme/bundled", commit: { sha } });
}, 200_000);

test("expired: its bundle verifies and tells so", async () => {
  // Seen by the sweeper, within a minute or so of the deadline; the other tests ran meanwhile.
  await desk.reached(id("expired"), "failed", 150);
  await tellsSo("expired", "failed", /^It failed: approval_expired: /);
}, 200_000);

test("no secret that was planted is in any bundle", async () => {
  const search = new Search(planted);
  for (const name of [...ids.keys()].filter((one) => one !== "research")) {
    expect(search.in(name, await bundleOf(name)), name).toEqual([]);
  }
  expect(String(unpacked(await bundleOf("succeeded"))["approvals.json"])).toContain("[redacted:");
});

test("a run that has not ended, or is not there, has none and says so", async () => {
  const runId = await desk.ask(PROJECT, "live", ENTRIES);
  await desk.reached(runId, "waiting_approval");
  const path = (of: string) => `/api/runs/${of}/bundle`;
  await expect(desk.client.call("GET", path(runId))).rejects.toThrow(/409.*run_not_ended/);
  await expect(desk.client.call("GET", path("run-none"))).rejects.toThrow(/404/);
  const stranger = await world.client("stranger");
  await expect(stranger.call("GET", path(id("succeeded")))).rejects.toThrow(/404/);
});

test("a bundle that the client has is not sent again", async () => {
  const { etag } = await fetchBundle(world, token, id("succeeded"));
  const url = `${world.cloud.appUrl}/api/runs/${id("succeeded")}/bundle`;
  const ask = (known: string) =>
    fetch(url, { headers: { authorization: `Bearer ${token}`, "if-none-match": known } });
  expect((await ask(`"other", ${etag}`)).status).toBe(304);
  expect((await ask('"other"')).status).toBe(200);
});

test("a process that dies when the run has just ended delays the bundle, and does not lose it", async () => {
  const runId = await desk.ask(PROJECT, "killed", ENTRIES);
  ids.set("killed", runId);
  await desk.decide("granted", await desk.approval(runId));
  await desk.reached(runId, "succeeded");
  await world.cloud.parts.app.kill();
  await world.cloud.restart("app");
  expect((await verify(await bundleOf("killed"), trusted)).ok).toBe(true);
}, 90_000);

test("the command line fetches and verifies it, the latter without a server", async () => {
  const cli = async (...args: string[]) => {
    const { COUNTERSIGN_URL: _, COUNTERSIGN_TOKEN: __, ...env } = process.env;
    const main = new URL("../cli/main.ts", import.meta.url).pathname;
    return await promisify(execFile)(process.execPath, [main, ...args], { env, cwd: dir }).then(
      ({ stdout }) => ({ code: 0, stdout }),
      ({ code, stdout }) => ({ code, stdout: String(stdout) }),
    );
  };
  const file = join(dir, "one.zip");
  const key = join(dir, "key.pem");
  await writeFile(key, auditPublicKey());
  const where = ["--url", world.cloud.appUrl, "--token", token];
  const got = await cli(...where, "bundle", "get", id("succeeded"), "-o", file);
  expect(got).toMatchObject({ code: 0, stdout: expect.stringContaining("SHA-256") });
  expect((await cli(...where, "bundle", "get", id("succeeded"), "-o", file)).code).toBe(2);
  const verified = await cli("bundle", "verify", file, "--key", key);
  expect(verified.stdout).toMatch(/^ok {6}signature +signed by/m);
  expect(verified.code).toBe(0);
  const broken = join(dir, "broken.zip");
  const zip = await bundleOf("succeeded");
  const at = zip.indexOf('"approver');
  zip[at + 3] = 0x58;
  await writeFile(broken, zip);
  const refused = await cli("--json", "bundle", "verify", broken);
  expect(refused.code).toBe(1);
  expect(JSON.parse(refused.stdout)).toMatchObject({ ok: false });
}, 60_000);

type Place = [holder: Record<string, unknown>, key: string];

/** Every place in a JSON value that another value can be put into. */
function placesIn(value: object): Place[] {
  const holder = value as Record<string, unknown>;
  return Object.entries(holder).flatMap(([key, inner]) => [
    [holder, key] as Place,
    ...(inner !== null && typeof inner === "object" ? placesIn(inner) : []),
  ]);
}

/** Fetches the bundle of a run, verifies it, and holds it against how the run ended and what it has shipped. */
async function tellsSo(name: string, status: string, nothing: RegExp | null): Promise<void> {
  const { zip, etag } = await fetchBundle(world, token, id(name));
  expect(etag).toBe(`"${sha256(zip)}"`);
  const verdict = await verify(zip, trusted);
  expect(verdict.checks.filter(({ outcome }) => outcome === "failed")).toEqual([]);
  expect(verdict.ok).toBe(true);
  expect(verdict.run).toMatchObject({ id: id(name), status, commit: null });
  if (nothing) expect(verdict.run?.nothingShipped).toMatch(nothing);
  else expect(verdict.run?.nothingShipped).toBeNull();
  expect(said(verdict, "signature")).toMatch(/^ok: signed by [0-9a-f]{32}, which you trust/);
  const provenance = await provenanceOf(name);
  expect(JSON.parse(provenance.content)).toMatchObject({ run: id(name), status });
}

/** A project's whole chain, as it is handed out. */
async function chainText(project: string): Promise<string> {
  const response = await fetch(`${world.cloud.appUrl}/api/projects/${project}/audit`, {
    headers: { authorization: `Bearer ${token}` },
  });
  return await response.text();
}

function set<T extends object>(target: T | null | undefined, change: object): void {
  if (!target) throw new Error("there is nothing to change");
  Object.assign(target, change);
}
