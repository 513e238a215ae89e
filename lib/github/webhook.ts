import { verify } from "@octokit/webhooks-methods";
import { env } from "../env.ts";
import { Unauthorized, Unavailable } from "../errors.ts";

/** The secret that GitHub signs its webhooks with. Throws Unavailable when none is set: then none can be told from a forged one. */
export function requiredGitHubSecret(): string {
  const { GITHUB_WEBHOOK_SECRET } = env();
  if (GITHUB_WEBHOOK_SECRET !== undefined) return GITHUB_WEBHOOK_SECRET;
  const what = "No webhooks are taken: GITHUB_WEBHOOK_SECRET is not set, see docs/environment.md.";
  throw new Unavailable("webhooks_not_set_up", what);
}

const SIGNATURE = /^sha256=[0-9a-f]{64}$/;
/** Fatal and with its byte order mark, so that the text stands for exactly these bytes and no others. */
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A delivery's text, when its bytes have GitHub's signature, compared in constant time. Throws Unauthorized otherwise. */
export async function verifiedText(delivery: {
  readonly secret: string;
  readonly signature: string | undefined;
  readonly body: ArrayBuffer;
}): Promise<string> {
  const { secret, signature = "", body } = delivery;
  const text = decoded(body);
  const signed =
    text !== "" && SIGNATURE.test(signature) && (await verify(secret, text, signature));
  if (signed) return text;
  const what = "The signature in x-hub-signature-256 is not that of this body: check the secret.";
  throw new Unauthorized("webhook_signature", what);
}

/** Empty for bytes that are no UTF-8, which GitHub never sends. */
function decoded(body: ArrayBuffer): string {
  try {
    return utf8.decode(body);
  } catch {
    return "";
  }
}
