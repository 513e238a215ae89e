import { unzipSync } from "fflate";
import type { PublicKeys } from "#lib/audit/checkpoint.ts";
import type { AuditExport } from "#lib/audit/verify.ts";
import { byPath, FILES } from "#lib/bundle/format.ts";
import { productIntents } from "#lib/bundle/intents.ts";
import { type BundleVerdict, verifyBundle } from "#lib/bundle/verify.ts";
import { canonicalJson, sha256 } from "#lib/canonical.ts";
import { zipStream } from "#lib/export/zip.ts";
import { until } from "#local/client.ts";
import type { TestCloud } from "./cloud.ts";

/** The bundle of a run's newest end, once it is there; with its ETag. */
export async function fetchBundle(
  { cloud }: Pick<TestCloud, "cloud">,
  token: string,
  runId: string,
): Promise<{ zip: Buffer; etag: string | null }> {
  return await until(
    `the bundle of ${runId}`,
    async () => {
      const response = await fetch(`${cloud.appUrl}/api/runs/${runId}/bundle`, {
        headers: { authorization: `Bearer ${token}` },
      });
      if (!response.ok) return null;
      return { zip: Buffer.from(await response.arrayBuffer()), etag: response.headers.get("etag") };
    },
    60,
  );
}

export function verify(
  zip: Uint8Array,
  trusted?: PublicKeys,
  exported?: AuditExport,
): Promise<BundleVerdict> {
  return verifyBundle(zip, { trusted, exported, intentOf: productIntents });
}

/** What a check says, as `outcome: reason`. */
export function said({ checks }: BundleVerdict, check: string): string {
  const found = checks.find((one) => one.check === check);
  return found ? `${found.outcome}: ${found.reason}` : "not looked at";
}

export type Files = Record<string, Buffer>;

export function unpacked(zip: Uint8Array): Files {
  const files = Object.entries(unzipSync(zip));
  return Object.fromEntries(files.map(([path, bytes]) => [path, Buffer.from(bytes)]));
}

/** What somebody does who changes a bundle and knows how one is made: a ZIP of ours, with a manifest that fits. */
export async function repacked(files: Files): Promise<Buffer> {
  const manifest = JSON.parse(String(files[FILES.manifest]));
  const listed = Object.entries(files)
    .filter(([path]) => path !== FILES.manifest && !path.startsWith("provenance/"))
    .map(([path, bytes]) => ({ path, sha256: sha256(bytes), bytes: bytes.length }));
  const all = {
    ...files,
    [FILES.manifest]: Buffer.from(canonicalJson({ ...manifest, files: listed.sort(byPath) })),
  };
  return await packed(all);
}

export async function packed(files: Files): Promise<Buffer> {
  const sorted = Object.entries(files).map(([path, bytes]) => ({ path, bytes }));
  const entries = async function* () {
    yield* sorted.sort(byPath);
  };
  return Buffer.from(await new Response(zipStream(entries())).arrayBuffer());
}

/** A JSON file of a bundle with a change. */
export function changed<T>(files: Files, path: string, change: (value: T) => void): Files {
  const value = JSON.parse(String(files[path]));
  change(value);
  return { ...files, [path]: Buffer.from(canonicalJson(value)) };
}
