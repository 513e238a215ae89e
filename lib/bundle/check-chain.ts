import { type Checkpoint, checkpointProblem, type PublicKeys } from "../audit/checkpoint.ts";
import { type AuditEntry, entryHash } from "../audit/entry.ts";
import { linkOf } from "./chain.ts";
import type { Contents } from "./contents.ts";
import { type Check, Findings } from "./verdict.ts";

/** The run's own entries of a bundle, in order. */
export function entriesOf({ lines }: Pick<Contents, "lines">): AuditEntry[] {
  return lines.flatMap((line) => ("entry" in line ? line.entry : []));
}

function checkpointsOf({ lines }: Pick<Contents, "lines">): Checkpoint[] {
  return lines.flatMap((line) => ("checkpoint" in line ? line.checkpoint : []));
}

/** The slice begins with the request, ends at the cut, and every line follows the one before; each entry is what was hashed. */
export function checkChain(contents: Contents): Check {
  const findings = new Findings();
  const { run, lines } = contents;
  const entries = entriesOf(contents);
  let expected: { seq: number; hash: string } | null = null;
  for (const line of lines) {
    const link = linkOf(line);
    if (!link) continue;
    const { from, to, prevHash, hash } = link;
    if (to < from) findings.wrong(`audit.jsonl: a gap from entry ${from} to ${to}`);
    if (expected && from !== expected.seq) {
      findings.wrong(`audit.jsonl: entry ${from} stands where ${expected.seq} should`);
    } else if (expected && prevHash !== expected.hash) {
      findings.wrong(`audit.jsonl: entry ${from} does not follow the one before`);
    }
    expected = { seq: to + 1, hash };
  }
  for (const entry of entries) {
    if (hashOf(entry) !== entry.hash) {
      findings.wrong(`audit.jsonl: entry ${entry.seq} (${entry.action}) is not what was hashed`);
    }
    if (entry.projectId !== run.projectId) {
      findings.wrong(`audit.jsonl: entry ${entry.seq} is of the project ${entry.projectId}`);
    }
  }
  const [first] = entries;
  if (first?.action !== "run.requested" || first.subject !== run.id) {
    findings.wrong(`audit.jsonl does not begin with the request for ${run.id}`);
  }
  if (expected?.seq !== run.cut.seq + 1 || expected.hash !== run.cut.hash) {
    findings.wrong(`audit.jsonl does not end with entry ${run.cut.seq}, which run.json names`);
  }
  const others = lines.length - entries.length - checkpointsOf(contents).length;
  const fine = `entries ${first?.seq ?? 0} to ${run.cut.seq}: ${entries.length} of the run, others by their hashes in ${others} lines`;
  return findings.as("chain", fine);
}

function hashOf(entry: AuditEntry): string | null {
  try {
    return entryHash(entry);
  } catch {
    // What has no canonical form was never hashed.
    return null;
  }
}

/** Each checkpoint was signed, and has seen the chain that is here. `keys`: those that are trusted, else the bundle's own. */
export function checkCheckpoints(contents: Contents, keys: PublicKeys): Check {
  const findings = new Findings();
  const { run } = contents;
  const checkpoints = checkpointsOf(contents);
  const links = contents.lines.flatMap((line) => linkOf(line) ?? []);
  const hashes = new Map(links.map(({ to, hash }) => [to, hash]));
  const [first] = links;
  if (first) hashes.set(first.from - 1, first.prevHash);
  for (const checkpoint of checkpoints) {
    const { seq, hash, projectId, keyId } = checkpoint;
    const name = `the checkpoint of entry ${seq}`;
    const problem = checkpointProblem(checkpoint, keys);
    if (problem === "bad_signature") findings.wrong(`${name} was not signed by ${keyId}`);
    if (problem === "unknown_key") findings.unknown(`${name} is of the key ${keyId}: give it`);
    if (projectId !== run.projectId) findings.wrong(`${name} is of the project ${projectId}`);
    const seen = hashes.get(seq);
    if (seen === undefined) findings.unknown(`${name} lies between the lines of audit.jsonl`);
    else if (seen !== hash) findings.wrong(`${name} has seen another chain`);
  }
  if (checkpoints.length === 0) {
    findings.unknown("no checkpoint was made while the run was under way");
  }
  return findings.as("checkpoints", `${checkpoints.length} checkpoints have seen this chain`);
}
