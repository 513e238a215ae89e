import type { PublicKeys } from "../audit/checkpoint.ts";
import { isAbout } from "../audit/entry.ts";
import { type AuditExport, verifyAudit } from "../audit/verify.ts";
import { canonicalJson } from "../canonical.ts";
import { linkOf } from "./chain.ts";
import { entriesOf } from "./check-chain.ts";
import type { Contents } from "./contents.ts";
import { type Check, Findings, WRITING_MS } from "./verdict.ts";
import { type Word, wordsOf } from "./words.ts";

/**
 * The slice is a part of the project's whole chain, as `audit export` hands it out: the hashes of others' entries are theirs, and
 * none that is about the run was left out or hidden among them. The policies and the approvers' keys are those of the chain.
 */
export function checkExport(
  contents: Contents,
  exported: AuditExport | undefined,
  keys: PublicKeys | undefined,
): Check {
  const findings = new Findings();
  if (!exported) {
    findings.unknown(
      "entries of others are taken by their hashes: --audit holds them against an export",
    );
    return findings.as("export", "");
  }
  const { run, lines } = contents;
  const whole = verifyAudit(exported, keys);
  if (!whole.ok) findings.wrong(`the export is broken at entry ${whole.firstBad}: ${whole.reason}`);
  if (exported.projectId !== run.projectId) {
    findings.wrong(`the export is of the project ${exported.projectId}`);
  }
  const bySeq = new Map(exported.entries.map((entry) => [entry.seq, entry]));
  for (const { from, to, prevHash, hash } of lines.flatMap((line) => linkOf(line) ?? [])) {
    if (bySeq.get(from)?.prevHash !== prevHash || bySeq.get(to)?.hash !== hash) {
      findings.wrong(`audit.jsonl: entry ${from} is another one in the export`);
    }
  }
  const own = entriesOf(contents);
  const here = new Set(own.map(({ seq }) => seq));
  const subjects = new Set(own.map(({ subject }) => subject));
  const first = own[0]?.seq ?? 0;
  for (const entry of exported.entries) {
    const { seq, action } = entry;
    if (seq < first || seq > run.cut.seq || here.has(seq)) continue;
    if (isAbout(run.id, subjects, entry)) {
      findings.wrong(`entry ${seq} (${action}) is about the run, and the bundle hides it`);
    }
  }
  published(contents, exported, findings);
  for (const word of wordsOf(contents)) checkKey(word, exported, findings);
  return findings.as("export", `a part of a whole chain of ${exported.entries.length} entries`);
}

/** What a bundle brings along to judge by was published in the project before the run ended. */
function published(
  { run, policies, keys }: Contents,
  { entries }: AuditExport,
  findings: Findings,
) {
  const said = (action: string, facts: object) =>
    entries.some(
      (entry) =>
        entry.action === action &&
        entry.seq < run.cut.seq &&
        Object.entries(facts).every(
          ([name, value]) => canonicalJson(entry.payload[name] ?? null) === canonicalJson(value),
        ),
    );
  for (const { version, document } of policies) {
    if (version > 0 && !said("policy.published", { version, document })) {
      findings.wrong(`policy.json: version ${version} is not what the export says was published`);
    }
  }
  for (const key of keys.approvers) {
    if (!said("key.added", key)) {
      findings.wrong(`keys.json: the export does not tell of the key ${key.keyId} of ${key.owner}`);
    }
  }
}

/** A key counts from when it was added until it was revoked, which whoever judges may hear of as late as it takes to write. */
function checkKey({ seq, at, by, signature }: Word, { entries }: AuditExport, findings: Findings) {
  if (!signature) return;
  const { keyId } = signature;
  const before = entries.filter((entry) => entry.subject === keyId && entry.seq < seq);
  if (!before.some(({ action }) => action === "key.added")) {
    findings.wrong(`entry ${seq}: ${by} signed with the key ${keyId} before it was added`);
  }
  const heard = Date.parse(at) - WRITING_MS;
  const revoked = before.find(({ action }) => action === "key.revoked");
  if (revoked && Date.parse(revoked.recordedAt) < heard) {
    findings.wrong(`entry ${seq}: ${by} signed with the key ${keyId}, which had been revoked`);
  }
}
