import { generateKeyPairSync } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import { keyId } from "#lib/approvals/proof.ts";
import * as answers from "../answers.ts";
import type { Context } from "../context.ts";
import { EXIT, Failure } from "../exit.ts";
import { say, sayJson } from "../output.ts";
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

/** What registers a public key, and says for whom it did. Throws Failure when a setting is missing. */
function registration(
  { api, settings }: Context,
  owner: string | undefined,
): (publicKey: string) => Promise<string> {
  const path = `/api/projects/${encodeURIComponent(projectOf(settings))}/keys`;
  const edge = api();
  return async (publicKey) => {
    const body = { publicKey, ...(owner === undefined ? {} : { owner }) };
    return (await edge.post(path, body, answers.key)).owner;
  };
}
