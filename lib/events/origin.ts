import { sha256 } from "../canonical.ts";
import { redactText } from "../redact.ts";

/**
 * The id by which we remember an event that woke us, so that the same one again is known. A sender may choose any text: in
 * place of one that looks like a secret there is its hash.
 */
export function originOf({ id = "" }: { readonly id?: string | undefined }): string {
  return redactText(id) === id ? id : sha256(id);
}
