import { sign } from "node:crypto";
import { resolutionFacts, signStatement } from "#lib/approvals/proof.ts";
import { publicKeys } from "#lib/audit/checkpoint.ts";
import { type AuditEntry, entryHash, GENESIS } from "#lib/audit/entry.ts";
import type { ReconstructedApproval } from "#lib/audit/reconstruct.ts";
import { effectAccount, runAccount } from "#lib/bundle/account.ts";
import { enveloped } from "#lib/bundle/dsse.ts";
import {
  type AuditLine,
  type BundledApproval,
  type BundledDecision,
  type BundledKeys,
  type BundledPolicy,
  FILES,
} from "#lib/bundle/format.ts";
import { approvalStatement, slsaStatement } from "#lib/bundle/statements.ts";
import { canonicalJson, sha256 } from "#lib/canonical.ts";
import { intentHash, planHash } from "#lib/effects/intent.ts";
import { RESULT } from "#lib/effects/machine.ts";
import { type PolicyDocument, policyDocument, ruleFor } from "#lib/policy/document.ts";
import { type Files, packed, verify } from "./bundles.ts";
import { approverKey } from "./keys.ts";

// Whole bundles of a run with one effect that nobody has lived through: every hash fits and the key that is trusted has signed
// them, so that all that can be wrong with one is what happened in it.

const [PROJECT, RUN, EFFECT] = ["p", "run-1", "eff_1"];
const params = { book: "b", head: "h0", name: "a", value: "1" };
const cover = { effectId: EFFECT, kind: "ledger.entry", intent: params, params };
const scope = "ledger.write";
const plan = planHash([cover]);
const audit = auditKey();
const bobs = approverKey();

/** What happened, and when: in seconds from the request for the run. */
export interface Happened {
  readonly action: string;
  readonly subject: string;
  readonly payload: Record<string, unknown>;
  readonly at: number;
  readonly actor: string;
}

type More = Readonly<Record<string, unknown>>;

export const DAY = 86_400;
export const instant = (seconds: number) =>
  new Date(1_767_261_600_000 + seconds * 1000).toISOString();

export function run(happened: string, at: number, more: More = {}): Happened {
  const status = { requested: "created", resumed: "created" }[happened] ?? happened;
  const facts = { kind: "implementation", mode: "apply", attempt: 1, requestedBy: "ci" };
  const payload = { runId: RUN, ...facts, status, ...more };
  return { action: `run.${happened}`, subject: RUN, at, actor: "countersign", payload };
}

export function approval(status: string, at: number, more: More = {}): Happened {
  const { approvalId: id = "appr_1" } = more;
  const facts = { scope, status, intentHash: plan, policyVersion: 1, quorum: 1 };
  const payload = {
    runId: RUN,
    approvalId: id,
    ...facts,
    expiresAt: instant(id === "appr_1" ? DAY : 2 * DAY),
    ...more,
  };
  const action = `approval.${status === "pending" ? "requested" : status}`;
  return { action, subject: String(id), at, actor: "countersign", payload };
}

export function effect(
  status: string,
  attempt: number,
  at: number,
  { action = `effect.${status}`, actor = "countersign", ...more }: More = {},
): Happened {
  const facts = { effectId: EFFECT, stepId: "s", kind: cover.kind, scope, status, attempt };
  const own = { intentHash: intentHash(cover), approvalId: "appr_1" };
  const payload = { runId: RUN, ...facts, ...own, ...more };
  return { action: String(action), subject: EFFECT, at, actor: String(actor), payload };
}

export function decision(kind: string, by: string, at: number, more: More = {}): Happened {
  const { approvalId = "appr_1" } = more;
  const facts = { decision: kind, by, assurance: "event", intentHash: plan };
  const payload = { runId: RUN, approvalId, ...facts, eventId: `${by} ${kind} ${at}`, ...more };
  return { action: "approval.decision", subject: String(approvalId), at, actor: by, payload };
}

/** What a decision of bob's says besides when he has signed it with his key. */
export function signed(until: string) {
  return { assurance: "signature", signatureKeyId: bobs.id, proofExpiresAt: until };
}

/** The same of a resolution of the effect's first call, which names nothing outside. */
export function signedBy(by: string, resolution: keyof typeof RESULT, until: string) {
  const [nonce, facts] = ["n".repeat(22), { effectId: EFFECT, attempt: 1, resolution }];
  const statement = { ...resolutionFacts(facts), by, nonce, expiresAt: until };
  return { by, nonce, signature: signStatement(statement, bobs.privateKey), ...signed(until) };
}

/** What happened to bob's key, in the project's chain alone. */
export function key(happened: "added" | "revoked", at: number): Happened {
  const publicKey = happened === "added" ? { publicKey: bobs.publicKey } : {};
  const payload = { keyId: bobs.id, owner: "bob", ...publicKey, by: "owner" };
  return { action: `key.${happened}`, subject: bobs.id, at, actor: "owner", payload };
}

/** The approval and its policy, where they are not the first. */
export interface Under {
  readonly approvalId?: string;
  readonly policyVersion?: number;
}

/** A plan and the request for its approval. */
export const asked = (at: number, under: Under = {}, attempt = 0): Happened[] => [
  effect("planned", attempt, at, { ...under }),
  approval("pending", at, { ...under }),
];

export const decided = (
  kind: string,
  by: string,
  at: number,
  under: Under = {},
  proof: More = {},
): Happened[] => [
  decision(kind, by, at, { ...under, ...proof }),
  approval(kind, at, { ...under, by }),
];

export const granted = (at: number, under: Under = {}, attempt = 0): Happened[] => [
  ...decided("granted", "bob", at, under),
  effect("approved", attempt, at, { ...under }),
];

/** The approval used by a call, which is the first but for `attempt` others. */
export const called = (at: number, under: Under = {}, attempt = 0): Happened[] => [
  approval("used", at, { ...under, usedBy: EFFECT }),
  ...sent(at, under, attempt),
];

export const sent = (at: number, under: Under = {}, attempt = 0): Happened[] => [
  effect("claimed", attempt, at, { ...under }),
  effect("sent", attempt + 1, at + 1, { ...under }),
];

export const confirmed = (attempt: number, at: number, externalId = "x1", under: Under = {}) =>
  effect("confirmed", attempt, at, { externalId, ...under });

/** A person's word about what nobody could find out, as it is written down: that it was said, and what has come of it. */
export function resolved(
  resolution: keyof typeof RESULT,
  attempt: number,
  at: number,
  more: More = {},
): Happened[] {
  const to = RESULT[resolution];
  const [by, externalId] = [more.by ?? "ann", to === "confirmed" ? { externalId: "x1" } : {}];
  const said = { action: "effect.resolved", resolution, by, assurance: "event", ...more };
  return [
    effect(to, attempt, at, { actor: by, ...externalId, ...said }),
    effect(to, attempt, at, { actor: by, ...externalId }),
  ];
}

export interface Circumstances {
  /** That the approvals were under. Published before the run was asked for, but version 0. */
  readonly policy?: { readonly version: number; readonly document: object };
  /** What the project's chain says of others. */
  readonly others?: readonly Happened[];
  /** Files that are there besides, and named by the manifest. */
  readonly more?: Files;
}

/** What approvals are under that say nothing else. */
export const RULE = { approvers: ["ann", "bob"], expiresInMinutes: 2 * 24 * 60 };
const UNDER = { version: 1, document: { default: RULE } };

/** The checks that fail, each with its reason, of the bundle of a run in which this happened. */
export async function failures(
  happened: readonly Happened[],
  { policy = UNDER, others = [], more = {} }: Circumstances = {},
): Promise<string[]> {
  const { version } = policy;
  const document = policyDocument.parse(policy.document);
  const published = { action: "policy.published", subject: "policy", at: -DAY, actor: "owner" };
  const end = Math.max(...happened.map(({ at }) => at));
  const chain = chained([
    ...(version === 0 ? [] : [{ ...published, payload: { version, document } }]),
    ...others,
    ...[run("requested", 0), run("running", 1), ...happened, run("succeeded", end)],
  ]);
  const own = chain.filter(({ payload }) => payload.runId === RUN);
  const slice = chain.slice(Number(own[0]?.seq) - 1, own.at(-1)?.seq);
  const lines = slice.map((entry) => {
    const { seq, prevHash, hash } = entry;
    return own.includes(entry) ? { entry } : { stub: { seq, prevHash, hash } };
  });
  const known = { version, document, createdBy: null, createdAt: null };
  const zip = await bundle(own, lines, known, more);
  const { checks } = await verify(zip, audit.trusted, { projectId: PROJECT, entries: chain });
  return checks
    .filter(({ outcome }) => outcome === "failed")
    .map(({ check, reason }) => `${check}: ${reason}`);
}

function chained(all: readonly Happened[]): AuditEntry[] {
  let prevHash = GENESIS;
  const inOrder = all.toSorted((a, b) => a.at - b.at);
  return inOrder.map(({ at, ...what }, i) => {
    const link = { projectId: PROJECT, seq: i + 1, key: null, prevHash, recordedAt: instant(at) };
    const entry = { ...what, ...link };
    prevHash = entryHash(entry);
    return { ...entry, hash: prevHash };
  });
}

async function bundle(
  entries: readonly AuditEntry[],
  lines: readonly AuditLine[],
  policy: BundledPolicy,
  more: Files,
): Promise<Buffer> {
  const last = entries.at(-1);
  if (!last) throw new Error("nothing happened");
  const cut = { seq: last.seq, hash: last.hash, at: last.recordedAt };
  const { told, run: account } = runAccount(RUN, entries, cut);
  const approvals = told.approvals.map((one) => approvalOf(one, entries, policy.document));
  const effects = told.effects.map((one) => ({ ...effectAccount(one), intent: params, params }));
  const stated = { run: { ...account, input: {} }, approvals, effects, artifacts: [] };
  const json = (value: unknown) => Buffer.from(canonicalJson(value));
  const files: Files = {
    ...more,
    [FILES.approvals]: json(approvals),
    [FILES.artifacts]: json([]),
    [FILES.audit]: Buffer.from(lines.map((line) => `${canonicalJson(line)}\n`).join("")),
    [FILES.deployments]: json([]),
    [FILES.effects]: json(effects),
    [FILES.infra]: json([]),
    [FILES.jobs]: json([]),
    [FILES.keys]: json({ audit: audit.bundled, approvers: keysOf(entries) }),
    [FILES.policy]: json(approvals.length > 0 ? [policy] : []),
    [FILES.run]: json(stated.run),
  };
  const listed = Object.entries(files).map(([path, bytes]) => ({
    ...{ path, sha256: sha256(bytes), bytes: bytes.length },
  }));
  const manifest = json({ format: 1, project: PROJECT, run: RUN, files: listed, omitted: [] });
  const all = { ...stated, manifestSha256: sha256(manifest) };
  return await packed({
    ...files,
    [FILES.manifest]: manifest,
    [FILES.slsaStatement]: Buffer.from(enveloped(slsaStatement(all), audit.signer)),
    [FILES.approvalStatement]: Buffer.from(enveloped(approvalStatement(all), audit.signer)),
  });
}

function approvalOf(
  { id, decisions, refusals: _, usedBy: __, ...told }: ReconstructedApproval,
  entries: readonly AuditEntry[],
  document: PolicyDocument,
): BundledApproval {
  const { approvers = RULE.approvers, requester, assurance } = ruleFor(document, scope);
  const requestedAt = entries.find(({ subject }) => subject === id)?.recordedAt ?? "";
  return {
    ...{ id, ...told, planArtifactId: null, stepId: "s", intentSummary: "an entry", approvers },
    status: told.status as BundledApproval["status"],
    ...{ rule: { requester, assurance }, requestedBy: "ci", requestedAt, covers: [cover] },
    decisions: decisions.map(({ seq, note = null, signatureKeyId: ___, ...one }) => {
      const payload = entries.find((entry) => entry.seq === seq)?.payload ?? {};
      return {
        ...{ ...one, seq, note, eventId: String(payload.eventId), signature: signatureOf(payload) },
        decision: one.decision as BundledDecision["decision"],
        assurance: one.assurance as BundledDecision["assurance"],
      };
    }),
  };
}

/** As bob has made it, of what the entry of his decision says. */
function signatureOf(payload: AuditEntry["payload"]): BundledDecision["signature"] {
  if (payload.assurance !== "signature") return null;
  const text = (name: string) => String(payload[name]);
  const [nonce, expiresAt] = ["n".repeat(22), text("proofExpiresAt")];
  const decision = { approvalId: text("approvalId"), decision: text("decision"), by: text("by") };
  const statement = { ...decision, intentHash: text("intentHash"), nonce, expiresAt };
  return { keyId: bobs.id, nonce, expiresAt, value: signStatement(statement, bobs.privateKey) };
}

function keysOf(entries: readonly AuditEntry[]): BundledKeys["approvers"] {
  const signed = entries.some(({ payload }) => payload.signatureKeyId !== undefined);
  return signed ? [{ keyId: bobs.id, owner: "bob", publicKey: bobs.publicKey }] : [];
}

function auditKey() {
  const { id, publicKey, privateKey } = approverKey();
  const signer = (bytes: Uint8Array) => ({ keyId: id, signature: sign(null, bytes, privateKey) });
  return { trusted: publicKeys(publicKey), bundled: { keyId: id, publicKey }, signer };
}
