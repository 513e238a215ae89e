import { readFile, writeFile } from "node:fs/promises";
import { type PublicKeys, publicKeys } from "#lib/audit/checkpoint.ts";
import { readAuditExport } from "#lib/audit/read-export.ts";
import { verifyAudit } from "#lib/audit/verify.ts";
import type { Context } from "../context.ts";
import { EXIT, Failure } from "../exit.ts";
import { say, sayJson } from "../output.ts";
import { projectOf } from "../settings.ts";

/** Hands out a project's audit chain, into a file or to stdout. */
export async function exportChain(file: string | undefined, context: Context): Promise<void> {
  const text = await fetched(context);
  if (file === undefined) {
    process.stdout.write(text);
    return;
  }
  try {
    await writeFile(file, text, { flag: "wx" });
  } catch {
    throw new Failure(EXIT.usage, `${file} is there already, or cannot be written.`);
  }
  if (context.json) sayJson({ file });
  else say(`written to ${file}`);
}

/**
 * Recomputes an audit chain, of an export or as the API hands it out now. Throws Failure that names the first entry that
 * is not what was written.
 */
export async function verifyChain(
  file: string | undefined,
  options: { publicKey: readonly string[] },
  context: Context,
): Promise<void> {
  const keys = await keysOf(options.publicKey);
  const chain = readAuditExport(file === undefined ? await fetched(context) : await read(file));
  const verdict = verifyAudit(chain, keys);
  const { projectId } = chain;
  if (context.json) sayJson({ projectId, ...verdict });
  if (!verdict.ok) {
    const { firstBad, reason } = verdict;
    throw new Failure(EXIT.negative, `Broken at entry ${firstBad} of ${projectId}: ${reason}.`);
  }
  if (context.json) return;
  const { entries, lastHash, vouchedSeq, signed } = verdict;
  say(`Whole: ${entries} entries of ${projectId}, the last with the hash ${lastHash}.`);
  if (vouchedSeq === 0) say("No checkpoint vouches for its end.");
  else if (signed) say(`Signed checkpoints vouch for it up to entry ${vouchedSeq}.`);
  else say(`Checkpoints reach up to entry ${vouchedSeq}; check them with --public-key <file>.`);
}

async function fetched({ api, settings }: Context): Promise<string> {
  return await api().text(`/api/projects/${encodeURIComponent(projectOf(settings))}/audit`);
}

async function keysOf(files: readonly string[]): Promise<PublicKeys | undefined> {
  if (files.length === 0) return undefined;
  return publicKeys(...(await Promise.all(files.map(read))));
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch {
    throw new Failure(EXIT.usage, `${file} cannot be read.`);
  }
}
