import { createHash, randomUUID } from "node:crypto";
import { link, open, readFile, rm, stat } from "node:fs/promises";
import { type PublicKeys, publicKeys } from "#lib/audit/checkpoint.ts";
import { readAuditExport } from "#lib/audit/read-export.ts";
import type { BundleVerdict } from "#lib/bundle/verify.ts";
import { errorMessage } from "#lib/errors.ts";
import { resumed } from "#lib/peek.ts";
import type { Context } from "../context.ts";
import { EXIT, Failure } from "../exit.ts";
import { say, sayJson } from "../output.ts";

/** A file that is larger is no bundle, and no chain that could be read at once: it is left alone. */
const MAX_BYTES = 300 * 1024 * 1024;

/**
 * Fetches a run's bundle into a new file, which has its name only once it is whole; tells its path, bytes and SHA-256. Throws
 * Failure when there is none (yet), or the file is there already.
 */
export async function getBundle(
  runId: string,
  { out = `${encodeURIComponent(runId)}.bundle.zip` }: { out?: string },
  { api, json }: Context,
): Promise<void> {
  const pieces = api().download(`/api/runs/${encodeURIComponent(runId)}/bundle`);
  const part = `${out}.${randomUUID()}.part`;
  const hash = createHash("sha256");
  let bytes = 0;
  try {
    // An answer that says no leaves no trace: the file is made when there is something to write.
    const first = await pieces.next();
    const file = await open(part, "wx").catch((error) => {
      throw unwritten(out, error);
    });
    try {
      for await (const piece of resumed(first, pieces)) {
        await file.writeFile(piece);
        hash.update(piece);
        bytes += piece.length;
      }
      await file.sync();
    } finally {
      await file.close();
    }
    // A rename would replace what is there; a link refuses.
    await link(part, out).catch((error) => {
      throw unwritten(out, error);
    });
  } finally {
    await pieces.return(undefined);
    await rm(part, { force: true });
  }
  const sha256 = hash.digest("hex");
  if (json) return sayJson({ path: out, bytes, sha256 });
  say(`File     ${out}`);
  say(`Bytes    ${bytes}`);
  say(`SHA-256  ${sha256}`);
}

/** Verifies a bundle offline and tells each check. Throws Failure when one has failed. */
export async function verifyBundleFile(
  path: string,
  { key, audit }: { key: readonly string[]; audit?: string },
  { json }: Context,
): Promise<void> {
  const trusted = await trustedKeys(key);
  const zip = await bytesOf(path);
  const { verifyBundle } = await import("#lib/bundle/verify.ts");
  const { productIntents } = await import("#lib/bundle/intents.ts");
  const exported = audit === undefined ? undefined : readAuditExport(await textOf(audit));
  const verdict = await verifyBundle(zip, { trusted, exported, intentOf: productIntents });
  if (json) sayJson(verdict);
  else tell(verdict);
  const failed = verdict.checks.filter(({ outcome }) => outcome === "failed");
  if (failed.length > 0) {
    const names = failed.map(({ check }) => check).join(", ");
    throw new Failure(EXIT.negative, `Not what it should be: ${names}.`);
  }
}

function tell({ checks, run }: BundleVerdict): void {
  if (run) {
    say(`Run ${run.id} of ${run.projectId}: ${run.status}, asked for by ${run.requestedBy}.`);
    const { commit } = run;
    if (commit) say(`Commit ${commit.sha} of ${commit.repository} was ${commit.by}.`);
    if (run.nothingShipped) say(`Nothing was shipped. ${run.nothingShipped}`);
  }
  const width = Math.max(...checks.map(({ check }) => check.length));
  for (const { check, outcome, reason } of checks) {
    say(`${outcome.padEnd(6)}  ${check.padEnd(width)}  ${reason}`);
  }
}

async function textOf(path: string): Promise<string> {
  return Buffer.from(await bytesOf(path)).toString("utf8");
}

async function bytesOf(path: string): Promise<Uint8Array> {
  const found = await stat(path).catch(() => null);
  if (!found?.isFile()) throw new Failure(EXIT.usage, `${path} cannot be read.`);
  if (found.size > MAX_BYTES) throw new Failure(EXIT.negative, `${path} is larger than 300 MB.`);
  return await readFile(path);
}

async function trustedKeys(files: readonly string[]): Promise<PublicKeys | undefined> {
  if (files.length === 0) return undefined;
  try {
    return publicKeys(...(await Promise.all(files.map((file) => readFile(file, "utf8")))));
  } catch (error) {
    throw new Failure(EXIT.usage, `A key cannot be read: ${errorMessage(error)}`);
  }
}

function unwritten(path: string, error: unknown): Failure {
  const { code } = error as NodeJS.ErrnoException;
  const why = code === "EEXIST" ? "is there already" : `cannot be written (${code})`;
  return new Failure(EXIT.usage, `${path} ${why}. Name another file with --out.`);
}
