import { generateKeyPairSync, type KeyObject, randomBytes } from "node:crypto";
import { eq } from "drizzle-orm";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { approvals } from "#db/schema.ts";
import { keyId, signStatement } from "#lib/approvals/proof.ts";
import { until } from "#local/client.ts";
import { OWNER, type TestCloud, testCloud } from "./support/cloud.ts";
import { type ApprovalRow, RunDesk } from "./support/runs.ts";

/**
 * Seconds that an honest grant may take to open its gate here. A wake-up that is lost costs a minute and so fails; the
 * two seconds that it has to take are measured by `npm run bench -- ledger`, since this machine may be busy.
 */
const OPENS_WITHIN = 15;

let world: TestCloud;
let desk: RunDesk;
let books = 0;

beforeAll(async () => {
  world = await testCloud();
  desk = new RunDesk(world, await world.client());
  await desk.project("attacked");
  await desk.project("other");
  await policy("strict-keys", { default: { assurance: "signature", approvers: [OWNER, "bob"] } });
  await policy("two-needed", { default: { approvals: 2, approvers: [OWNER, "bob", "eve"] } });
  await policy("others", { default: { approvers: ["ci", "bob"] } });
}, 90_000);
afterAll(() => world?.close());

/** A run that waits for its approval. */
interface Scene {
  readonly projectId: string;
  readonly runId: string;
  readonly book: string;
  readonly approval: ApprovalRow;
}

/** What the attacker sends, the reason that the audit must name, and in which project's chain. */
interface Attack {
  readonly name: string;
  readonly project?: string;
  readonly reason: string;
  readonly send: (scene: Scene) => Promise<void>;
  /** How many honest grants it takes afterwards; 0 when the gate must stay shut for good. */
  readonly honest?: (scene: Scene) => Promise<void>;
}

const grant = (by: string) => (scene: Scene) => desk.decide("granted", scene.approval, { by });

const ATTACKS: Attack[] = [
  {
    name: "a wrong hash",
    reason: "wrong_hash",
    send: ({ approval }) => desk.decide("granted", approval, { intentHash: "0".repeat(64) }),
  },
  {
    name: "another project's approval",
    reason: "other_project",
    send: ({ approval }) => desk.decide("granted", approval, { projectId: "other" }),
  },
  { name: "a stranger", reason: "not_an_approver", send: grant("mallory") },
  {
    name: "the requester, where another could",
    project: "others",
    reason: "requester_may_not_approve",
    send: grant("ci"),
    honest: grant("bob"),
  },
  {
    name: "one person twice for a quorum of two",
    project: "two-needed",
    reason: "already_decided",
    send: async (scene) => {
      await grant("bob")(scene);
      await heard(scene, "approval.decision");
      await grant("bob")(scene);
    },
    honest: grant("eve"),
  },
  {
    name: "no signature where one is demanded",
    project: "strict-keys",
    reason: "assurance_too_low",
    send: grant("bob"),
    honest: signedBy("bob"),
  },
  {
    name: "a forged signature",
    project: "strict-keys",
    reason: "bad_signature",
    send: async (scene) => {
      const forged = generateKeyPairSync("ed25519").privateKey;
      await signed(scene, { by: "bob", privateKey: forged });
    },
    honest: signedBy("bob"),
  },
  {
    name: "a signature of another decision",
    project: "strict-keys",
    reason: "bad_signature",
    send: (scene) => signed(scene, { by: "bob", signs: "denied" }),
    honest: signedBy("bob"),
  },
  {
    name: "a signature for another approval",
    project: "strict-keys",
    reason: "bad_signature",
    send: (scene) => signed(scene, { by: "bob", approvalId: "appr_of_another_run" }),
    honest: signedBy("bob"),
  },
  {
    name: "somebody else's key",
    project: "strict-keys",
    reason: "unknown_key",
    send: (scene) => signed(scene, { by: OWNER, keyOf: "bob" }),
    honest: signedBy("bob"),
  },
  {
    name: "a signature that was good until a moment ago",
    project: "strict-keys",
    reason: "proof_expired",
    send: (scene) => signed(scene, { by: "bob", expiresAt: new Date(Date.now() - 1000) }),
    honest: signedBy("bob"),
  },
  {
    name: "a seal that is not our edge's",
    reason: "bad_seal",
    send: ({ approval }) =>
      desk.decide("granted", approval, {
        edge: { nonce: nonce(), expiresAt: soon(), value: randomBytes(32).toString("base64url") },
      }),
  },
  {
    name: "an approval that is not there",
    reason: "no_such_approval",
    send: ({ approval }) => desk.decide("granted", { ...approval, id: "appr_nowhere" }),
  },
];

const keys = new Map<string, { id: string; privateKey: KeyObject }>();

describe("a decision that is not one", () => {
  test.each(ATTACKS)(
    "$name: refused, on record, and the honest one still opens",
    async (attack) => {
      const scene = await waiting(attack.project ?? "attacked");
      await attack.send(scene);
      await refused(scene, attack.reason);
      expect(await desk.run(scene.runId)).toMatchObject({ status: "waiting_approval" });
      expect(await desk.objects(scene.book)).toEqual([]);
      await (attack.honest ?? grant(OWNER))(scene);
      await opened(scene);
    },
  );
});

describe("a grant that came to nothing", () => {
  test("revoked before it was used", async () => {
    const scene = await waiting("two-needed");
    await grant("bob")(scene);
    await heard(scene, "approval.decision");
    await desk.decide("revoked", scene.approval, { by: "eve" });
    await desk.approval(scene.runId, "revoked");
    await grant("eve")(scene);
    await refused(scene, "not_pending");
    await desk.reached(scene.runId, "failed");
    expect(await desk.objects(scene.book)).toEqual([]);
  });

  test("used, then granted and revoked again", async () => {
    const scene = await waiting("attacked");
    await grant(OWNER)(scene);
    await opened(scene);
    await grant(OWNER)(scene);
    await refused(scene, "already_decided");
    await desk.decide("revoked", scene.approval);
    await refused(scene, "already_used");
    expect(await desk.objects(scene.book)).toEqual(["a"]);
  });

  test("a proof that was used before, under another event", async () => {
    const scene = await waiting("strict-keys");
    const once = await signature(scene, { by: "bob" });
    const revocable = { by: "bob", signature: once };
    await desk.decide("granted", scene.approval, revocable);
    await opened(scene);
    await desk.decide("granted", scene.approval, revocable);
    await refused(scene, "nonce_replayed");
  });

  test("expired", async () => {
    const scene = await waiting("attacked");
    await expire(scene);
    await grant(OWNER)(scene);
    await refused(scene, "expired");
    expect(await desk.objects(scene.book)).toEqual([]);
  });

  test("granted and denied at once: one of them counts", async () => {
    const scene = await waiting("two-needed");
    await grant("bob")(scene);
    await heard(scene, "approval.decision");
    await Promise.all([grant("eve")(scene), desk.decide("denied", scene.approval, { by: OWNER })]);
    await refused(scene, "not_pending").catch(() => refused(scene, "already_used"));
    const { status } = await until("end", async () => {
      const run = await desk.run(scene.runId);
      return run.endedAt && run;
    });
    expect(await desk.objects(scene.book)).toEqual(status === "succeeded" ? ["a"] : []);
  });

  test("the plan changed after the grant", async () => {
    const scene = await waiting("two-needed");
    await grant("bob")(scene);
    await desk.ledger("PUT", `/books/${scene.book}/head`, { head: "h1" });
    await grant("eve")(scene);
    const second = await desk.approval(scene.runId, "pending", scene.approval);
    // The old grants do not count for the new plan.
    await desk.decide(
      "granted",
      { ...second, intentHash: scene.approval.intentHash },
      { by: "bob" },
    );
    await refused({ ...scene, approval: second }, "wrong_hash");
    expect(await desk.objects(scene.book)).toEqual([]);
    for (const by of ["bob", "eve"]) await desk.decide("granted", second, { by });
    await opened({ ...scene, approval: second });
  });
});

describe("a grant at an odd moment", () => {
  test("before the run waits", async () => {
    for (let round = 0; round < 5; round++) {
      const runId = await desk.ask("attacked", book(), [{ name: "a", value: "1" }]);
      await desk.decide("granted", await desk.approval(runId));
      await desk.reached(runId, "succeeded", OPENS_WITHIN + 3);
    }
  });

  test("while the app is down", async () => {
    const scene = await waiting("attacked");
    await world.cloud.parts.app.kill();
    await grant(OWNER)(scene);
    await world.cloud.restart("app");
    await desk.reached(scene.runId, "succeeded", 60);
    expect(await desk.objects(scene.book)).toEqual(["a"]);
  }, 90_000);
});

async function policy(projectId: string, document: object): Promise<void> {
  await desk.project(projectId);
  await desk.client.call("PUT", `/api/projects/${projectId}/policy`, document);
  if (projectId !== "strict-keys") return;
  for (const owner of ["bob", OWNER]) {
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const der = publicKey.export({ format: "der", type: "spki" }).toString("base64url");
    keys.set(owner, { id: keyId(der), privateKey });
    await desk.client.call("POST", `/api/projects/${projectId}/keys`, { owner, publicKey: der });
  }
}

async function waiting(projectId: string): Promise<Scene> {
  const name = book();
  const runId = await desk.ask(projectId, name, [{ name: "a", value: "1" }]);
  const approval = await desk.approval(runId);
  await desk.reached(runId, "waiting_approval");
  return { projectId, runId, book: name, approval };
}

function book(): string {
  return `book-${++books}`;
}

/** Waits for an entry about this approval, or about one that is not there, which is told of the project. */
function heard({ approval, projectId }: Scene, action: string, reason?: string) {
  return until(`${action} ${reason ?? ""}`, async () => {
    const entries = await desk.audit(projectId);
    return entries.find(
      (entry) =>
        entry.action === action &&
        (entry.subject === approval.id || entry.payload.approvalId === "appr_nowhere") &&
        (reason === undefined || entry.payload.reason === reason),
    );
  });
}

function refused(scene: Scene, reason: string) {
  return heard(scene, "approval.refused", reason);
}

/** The gate opens in time, and behind it was done what was approved. */
async function opened({ runId, book: name }: Scene): Promise<void> {
  await until(
    `${runId} goes on`,
    async () => (await desk.run(runId)).status !== "waiting_approval",
    OPENS_WITHIN,
  );
  await desk.reached(runId, "succeeded");
  expect(await desk.objects(name)).toEqual(["a"]);
}

/** What a signer may lie about. */
interface Signing {
  readonly by: string;
  readonly keyOf?: string;
  readonly privateKey?: KeyObject;
  readonly signs?: "granted" | "denied";
  readonly approvalId?: string;
  readonly expiresAt?: Date;
}

async function signature({ approval }: Scene, signing: Signing) {
  const { by, keyOf = by, signs = "granted", approvalId = approval.id } = signing;
  const key = keys.get(keyOf);
  if (!key) throw new Error(`no key of ${keyOf}`);
  const { intentHash } = approval;
  const proof = { nonce: nonce(), expiresAt: signing.expiresAt?.toISOString() ?? soon() };
  const statement = { approvalId, intentHash, decision: signs, by, ...proof };
  const value = signStatement(statement, signing.privateKey ?? key.privateKey);
  return { keyId: key.id, ...proof, value };
}

async function signed(scene: Scene, signing: Signing): Promise<void> {
  const proof = await signature(scene, signing);
  await desk.decide("granted", scene.approval, { by: signing.by, signature: proof });
}

function signedBy(by: string) {
  return (scene: Scene) => signed(scene, { by });
}

function nonce(): string {
  return randomBytes(16).toString("base64url");
}

function soon(): string {
  return new Date(Date.now() + 60_000).toISOString();
}

async function expire({ approval }: Scene): Promise<void> {
  await world.database
    .update(approvals)
    .set({ expiresAt: new Date(Date.now() - 1000) })
    .where(eq(approvals.id, approval.id));
}
