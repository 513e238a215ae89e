import { type PublicKeys, publicKeys } from "../audit/checkpoint.ts";
import type { AuditExport } from "../audit/verify.ts";
import { InvalidInput } from "../errors.ts";
import { checkAccount, checkArtifacts } from "./check-account.ts";
import { checkApprovals } from "./check-approvals.ts";
import { checkChain, checkCheckpoints } from "./check-chain.ts";
import { checkEffects, type IntentOf } from "./check-effects.ts";
import { checkExport } from "./check-export.ts";
import { checkPolicy } from "./check-policy.ts";
import { checkSignatures } from "./check-signatures.ts";
import { checkStatements } from "./check-statements.ts";
import { type Contents, checkHashes, checkManifest, readContents } from "./contents.ts";
import { readZip, strayByte, type ZipFiles } from "./read-zip.ts";
import { nothingShipped, type ShippedCommit, shippedCommit } from "./shipped.ts";
import type { Check } from "./verdict.ts";

export interface BundleVerdict {
  /** Whether no check has failed; what could not be checked is `absent` and fails nothing. */
  readonly ok: boolean;
  readonly checks: readonly Check[];
  /** What the bundle is about; null when it cannot be read. */
  readonly run: {
    readonly id: string;
    readonly projectId: string;
    readonly status: string;
    readonly mode: string;
    readonly requestedBy: string;
    readonly commit: ShippedCommit | null;
    readonly nothingShipped: string | null;
  } | null;
}

export interface VerifyOptions {
  /**
   * Public keys that the auditor has from elsewhere; without, the bundle's own key is taken, which shows that it hangs together
   * and not whose it is.
   */
  readonly trusted?: PublicKeys | undefined;
  /** The project's whole chain, to hold the slice against. */
  readonly exported?: AuditExport | undefined;
  /** What the params of an effect make; the product's definitions say it. */
  readonly intentOf: IntentOf;
}

/**
 * Verifies a bundle offline, by nothing but its bytes. Each check has one line; the first thing that is wrong is named in it.
 * docs/bundle.md says what each proves.
 */
export async function verifyBundle(
  zip: Uint8Array,
  { trusted, exported, intentOf }: VerifyOptions,
): Promise<BundleVerdict> {
  let files: ZipFiles;
  try {
    files = readZip(zip);
  } catch (error) {
    if (!(error instanceof InvalidInput)) throw error;
    return verdict([{ check: "container", outcome: "failed", reason: error.message }], null);
  }
  const checks: Check[] = [await checkContainer(zip, files)];
  const { check, manifest } = checkManifest(files);
  checks.push(check);
  if (!manifest) return verdict(checks, null);
  checks.push(checkHashes(files, manifest));
  const read = readContents(files, manifest);
  checks.push(read.check);
  const { contents } = read;
  if (!contents) return verdict(checks, null);
  const own = ownKeys(contents);
  checks.push(
    checkChain(contents),
    checkCheckpoints(contents, trusted ?? own),
    checkExport(contents, exported, trusted),
    checkAccount(contents),
    checkArtifacts(contents, files),
    checkPolicy(contents),
    checkApprovals(contents),
    checkSignatures(contents),
    checkEffects(contents, intentOf),
    ...checkStatements(contents, files, { own, trusted }),
  );
  return verdict(checks, contents);
}

async function checkContainer(zip: Uint8Array, files: ZipFiles): Promise<Check> {
  const stray = await strayByte(zip, files);
  if (!stray) {
    const reason = `${zip.byteLength} bytes, and nothing in them but ${files.size} files`;
    return { check: "container", outcome: "ok", reason };
  }
  const reason = `byte ${stray.at}, at ${stray.near}, is not what its files make`;
  return { check: "container", outcome: "failed", reason };
}

/** The key that the bundle brings; one that is none, or not what its id says, is as good as none: signatures fail then. */
function ownKeys({ keys: { audit } }: Contents): PublicKeys {
  if (!audit) return new Map();
  try {
    return new Map([...publicKeys(audit.publicKey)].filter(([id]) => id === audit.keyId));
  } catch (error) {
    if (error instanceof InvalidInput) return new Map();
    throw error;
  }
}

function verdict(checks: readonly Check[], contents: Contents | null): BundleVerdict {
  const ok = checks.every(({ outcome }) => outcome !== "failed");
  if (!contents) return { ok, checks, run: null };
  const { run, effects } = contents;
  const { id, projectId, status, mode, requestedBy } = run;
  return {
    ok,
    checks,
    run: {
      ...{ id, projectId, status, mode, requestedBy },
      commit: shippedCommit(effects),
      nothingShipped: nothingShipped(run, effects),
    },
  };
}
