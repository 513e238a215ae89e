import { canonicalJson, sha256 } from "../canonical.ts";
import { artifactIds, effectAccount, isInputOf, runAccount } from "./account.ts";
import { entriesOf } from "./check-chain.ts";
import type { Contents } from "./contents.ts";
import { FILES } from "./format.ts";
import type { ZipFiles } from "./read-zip.ts";
import { type Check, Findings } from "./verdict.ts";

/** run.json, approvals.json and effects.json say what the entries say, no more and no less. */
export function checkAccount(contents: Contents): Check {
  const findings = new Findings();
  const { run, approvals, effects } = contents;
  const entries = entriesOf(contents);
  let account: ReturnType<typeof runAccount>;
  try {
    account = runAccount(run.id, entries, run.cut);
  } catch (error) {
    const why = error instanceof TypeError ? error.message : "an entry is not in its form";
    findings.wrong(`${FILES.audit}: ${why}`);
    return findings.as("account", "");
  }
  const { input, ...row } = run;
  if (!isInputOf(entries, input)) {
    findings.wrong(`${FILES.run}: the input of ${run.id} is not the one that was asked for`);
  }
  compare(FILES.run, run.id, row, account.run, findings);
  sameIds(FILES.approvals, approvals, account.told.approvals, findings);
  sameIds(FILES.effects, effects, account.told.effects, findings);
  for (const told of account.told.effects) {
    const found = effects.find(({ id }) => id === told.id);
    if (!found) continue;
    const { intent: __, params: ___, ...facts } = found;
    compare(FILES.effects, told.id, facts, effectAccount(told), findings);
  }
  for (const told of account.told.approvals) {
    const found = approvals.find(({ id }) => id === told.id);
    if (!found) continue;
    const facts = (one: typeof told | typeof found) => ({
      ...{ scope: one.scope, status: one.status, intentHash: one.intentHash },
      ...{ policyVersion: one.policyVersion, quorum: one.quorum },
      ...{ requestedAt: one.requestedAt, expiresAt: one.expiresAt },
      planArtifactId: one.planArtifactId ?? null,
    });
    compare(FILES.approvals, told.id, facts(found), facts(told), findings);
    const heard = told.decisions.map(
      ({ seq, at, decision, by, assurance, intentHash, ...more }) => ({
        ...{ seq, at, decision, by, assurance, intentHash },
        ...{ keyId: more.signatureKeyId ?? null, note: more.note ?? null },
      }),
    );
    const said = found.decisions.map(({ signature, eventId: ____, ...decision }) => ({
      ...decision,
      keyId: signature?.keyId ?? null,
    }));
    compare(FILES.approvals, `${told.id}, decisions`, said, heard, findings);
  }
  return findings.as("account", "run, approvals and effects are as the chain tells them");
}

function compare(file: string, id: string, said: object, told: object, findings: Findings): void {
  if (canonicalJson(said) === canonicalJson(told)) return;
  const fields = Object.keys(told).filter((name) => {
    const [a, b] = [said, told].map((one) => (one as Record<string, unknown>)[name]);
    return canonicalJson(a ?? null) !== canonicalJson(b ?? null);
  });
  findings.wrong(`${file}: ${id} is not as the chain tells it (${fields.join(", ")})`);
}

function sameIds(
  file: string,
  said: readonly { id: string }[],
  told: readonly { id: string }[],
  findings: Findings,
): void {
  const [here, there] = [said, told].map((all) => all.map(({ id }) => id));
  for (const id of there ?? []) {
    if (!here?.includes(id))
      findings.wrong(`${file}: ${id}, of which the chain tells, is not there`);
  }
  for (const [i, id] of (here ?? []).entries()) {
    if (!there?.includes(id)) findings.wrong(`${file}: the chain does not tell of ${id}`);
    if (here?.indexOf(id) !== i) findings.wrong(`${file}: ${id} is there twice`);
    // Which of a promotion and a way back came last is told by their order.
    else if (there?.[i] !== id) findings.wrong(`${file}: ${id} stands where the chain has another`);
  }
}

/** Artifacts are the texts that were published: by artifacts.json, and by the entries of their publication. */
export function checkArtifacts(contents: Contents, files: ZipFiles): Check {
  const findings = new Findings();
  const entries = entriesOf(contents);
  const { artifacts } = contents;
  for (const { id, kind, key, version, path, sha256: expected } of artifacts) {
    const text = files.get(path);
    if (!text) findings.wrong(`${path} is not there`);
    else if (sha256(text) !== expected) findings.wrong(`${path} is not the text of ${id}`);
    const published = entries.find(
      ({ action, subject }) => action === "artifact.published" && subject === id,
    );
    if (!published) continue;
    const { payload } = published;
    const told = [payload.kind, payload.logicalKey, payload.version, payload.contentSha256];
    if (canonicalJson(told) !== canonicalJson([kind, key, version, expected])) {
      findings.wrong(`${path} is not what entry ${published.seq} says was published`);
    }
  }
  const there = new Set(artifacts.map(({ id }) => id));
  for (const id of artifactIds(entries)) {
    if (!there.has(id)) findings.wrong(`the artifact ${id}, which the chain names, is not there`);
  }
  const owned = new Set<string | null>([
    ...Object.values(FILES),
    ...artifacts.flatMap(({ path, citations }) => [path, citations]),
    ...contents.jobs.map(({ transcript }) => transcript),
  ]);
  for (const path of files.keys()) {
    if (!owned.has(path)) findings.wrong(`${path} is of no artifact and no job`);
  }
  return findings.as("artifacts", `${artifacts.length} artifacts are what was published`);
}
