import { keyId, readPublicKey } from "../approvals/proof.ts";
import { appendAudit } from "../data/audit.server.ts";
import {
  type ApproverKey,
  insertApproverKey,
  listApproverKeys,
  readApproverKey,
  revokeApproverKey,
} from "../data/policies.server.ts";
import { transaction } from "../data/transaction.server.ts";
import { Conflict, NotFound } from "../errors.ts";

/** More than a project has approvers. */
const MAX_KEYS = 1000;

/**
 * Registers the public key with which `owner` signs decisions in a project. The same key of the same owner again is a
 * repeat. Throws InvalidInput for what is no Ed25519 key, and Conflict for one that is registered for somebody else, that
 * was revoked, or that is one too many.
 * @param input.publicKey SPKI DER, base64url
 */
export async function registerKey(input: {
  projectId: string;
  owner: string;
  publicKey: string;
  by: string;
}): Promise<ApproverKey> {
  const { projectId, owner, by } = input;
  // As the library writes it: one key has one text.
  const der = readPublicKey(input.publicKey).export({ format: "der", type: "spki" });
  const publicKey = der.toString("base64url");
  const id = keyId(publicKey);
  return await transaction(async (tx) => {
    const known = await readApproverKey({ projectId, id }, tx);
    if (known) return repeated(known, owner);
    if ((await listApproverKeys({ projectId }, tx)).length >= MAX_KEYS) {
      throw new Conflict("too_many_keys", `A project has at most ${MAX_KEYS} keys.`);
    }
    const added = await insertApproverKey({ id, projectId, owner, publicKey, createdBy: by }, tx);
    if (!added) throw new Conflict("key_taken", `The key ${id} was registered just now.`);
    const what = { projectId, actor: by, action: "key.added", subject: id };
    await appendAudit({ ...what, payload: { keyId: id, owner, publicKey, by } }, tx);
    return added;
  });
}

/** Ends a key's validity for good; what it has signed before stays. Can be repeated. Throws NotFound. */
export async function revokeKey(input: {
  projectId: string;
  id: string;
  by: string;
}): Promise<void> {
  const { projectId, id, by } = input;
  await transaction(async (tx) => {
    const revoked = await revokeApproverKey({ projectId, id }, tx);
    if (!revoked) {
      if (await readApproverKey({ projectId, id }, tx)) return;
      throw new NotFound("key_not_found", `There is no key ${id}.`);
    }
    const what = { projectId, actor: by, action: "key.revoked", subject: id };
    await appendAudit({ ...what, payload: { keyId: id, owner: revoked.owner, by } }, tx);
  });
}

function repeated(known: ApproverKey, owner: string): ApproverKey {
  if (known.owner === owner && known.revokedAt === null) return known;
  const why = known.revokedAt === null ? `registered for ${known.owner}` : "revoked";
  throw new Conflict("key_taken", `The key ${known.id} is ${why}: make a new one.`);
}
