import { generateKeyPairSync } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import { keyId } from "#lib/approvals/proof.ts";
import * as answers from "../answers.ts";
import type { Context } from "../context.ts";
import { EXIT, Failure } from "../exit.ts";
import { say, sayJson, table, when } from "../output.ts";
import { projectOf } from "../settings.ts";
import { publicText } from "../sign.ts";

/**
 * Makes a key to sign decisions with: the private half into a new file that only its owner may read, the public half
 * told, and registered in the project when asked; a key that cannot be registered is not kept. Throws Failure when the
 * file is there already.
 */
export async function newKey(
  file: string,
  { register, owner }: { register?: boolean; owner?: string },
  context: Context,
): Promise<void> {
  // Made before the key, so that a missing setting is told before there is a file.
  const registered = register ? registration(context, owner) : undefined;
  const { publicKey: half, privateKey } = generateKeyPairSync("ed25519");
  const publicKey = publicText(half);
  try {
    const pem = privateKey.export({ format: "pem", type: "pkcs8" });
    await writeFile(file, pem, { mode: 0o600, flag: "wx" });
  } catch {
    throw new Failure(EXIT.usage, `${file} is there already, or cannot be written.`);
  }
  let registeredFor: string | undefined;
  try {
    registeredFor = await registered?.(publicKey);
  } catch (error) {
    await rm(file);
    throw error;
  }
  const id = keyId(publicKey);
  if (context.json) return sayJson({ id, publicKey, file, registeredFor });
  say(`Private key  ${file} (keep it to yourself)`);
  say(`Public key   ${publicKey}`);
  say(`Key id       ${id}`);
  if (registeredFor !== undefined) say(`Registered   for ${registeredFor}`);
}

/** The keys that are registered in a project, revoked ones too. */
export async function listKeys(context: Context): Promise<void> {
  const { items } = await context.api().get(keysPath(context), answers.keys);
  if (context.json) return sayJson({ items });
  if (items.length === 0) return say("No keys.");
  const rows = items.map((key) => [
    ...[key.id, key.owner, key.createdBy, when(key.createdAt), when(key.revokedAt)],
  ]);
  say(table(["KEY", "OWNER", "REGISTERED BY", "REGISTERED", "REVOKED"], rows));
}

/** Ends a key's validity for good; can be repeated. Throws Failure when the project has no such key. */
export async function revokeKey(id: string, context: Context): Promise<void> {
  if (!/^[0-9a-f]{32}$/.test(id)) {
    throw new Failure(EXIT.usage, "A key id is 32 hex digits: see countersign keys list.");
  }
  await context.api().delete(`${keysPath(context)}/${id}`);
  if (context.json) sayJson({ id, revoked: true });
  else say(`Revoked ${id}: it signs nothing any more. What it has signed before stays.`);
}

function keysPath({ settings }: Pick<Context, "settings">): string {
  return `/api/projects/${encodeURIComponent(projectOf(settings))}/keys`;
}

/** What registers a public key, and says for whom it did. Throws Failure when a setting is missing. */
function registration(
  context: Context,
  owner: string | undefined,
): (publicKey: string) => Promise<string> {
  const path = keysPath(context);
  const edge = context.api();
  return async (publicKey) => {
    const body = { publicKey, ...(owner === undefined ? {} : { owner }) };
    return (await edge.post(path, body, answers.key)).owner;
  };
}
