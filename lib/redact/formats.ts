import { replaceMatches, whole } from "./replace.ts";
import { looksRandom } from "./values.ts";

/** Where a word begins; in quoted JSON also behind an escape such as `\n`, whose letter is not part of the word. */
const start = (word: string, key: RegExp) =>
  new RegExp(`(?<!(?<!\\\\)[${word}])${key.source}`, "g");

/**
 * Keys that providers give a shape of their own, from their documentation of it. Shorter than they are in full, so that
 * one that was cut is found too. A pattern begins with a literal or where a word begins, and its run either matches
 * however it ends or cannot hold that beginning again: that is what keeps the search linear.
 */
const FORMATS: readonly (readonly [what: string, pattern: RegExp])[] = [
  ["github-token", /gh[opusr]_[A-Za-z0-9]{16,}/g],
  ["github-token", /github_pat_[A-Za-z0-9_]{16,}/g],
  ["gitlab-token", /gl(?:pat|dt|rt|ptt|cbt|oas|soat|ft|imt|agent)-[A-Za-z0-9_-]{16,}/g],
  ["vercel-token", /vc[pirak]_[A-Za-z0-9]{16,}/g],
  ["vercel-token", /vercel_blob_rw_[A-Za-z0-9_]{12,}/g],
  ["neon-key", /napi_[A-Za-z0-9]{16,}/g],
  ["neon-password", /npg_[A-Za-z0-9]{8,}/g],
  [
    "upstash-token",
    start("A-Za-z0-9+/_-", /A[A-Za-z0-9+/_-]{3}A(?:SQ|IncD|IjcD)[A-Za-z0-9+/_-]{16,}={0,2}/),
  ],
  ["upstash-token", start("A-Za-z0-9+/_-", /AB[A-Za-z0-9]FM[A-Za-z0-9+/_-]{24,}={0,2}/)],
  ["inngest-key", /signkey-[a-z]+-[A-Za-z0-9]{16,}/g],
  ["slack-token", /xox[abceoprs](?:\.xox[a-z])?-[A-Za-z0-9-]{10,}/g],
  ["slack-token", /xapp-[0-9]-[A-Za-z0-9-]{10,}/g],
  ["slack-webhook", /hooks\.slack\.com\/(?:services|workflows|triggers)\/[A-Za-z0-9_/-]{10,}/g],
  ["discord-webhook", /discord(?:app)?\.com\/api\/webhooks\/[0-9]+\/[A-Za-z0-9_-]{10,}/g],
  ["stripe-key", start("A-Za-z0-9", /[rs]k_(?:live|test)_[A-Za-z0-9]{10,}/)],
  ["webhook-secret", /whsec_[A-Za-z0-9+/=]{16,}/g],
  ["aws-key-id", start("A-Za-z0-9", /(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])/)],
  ["google-key", /AIza[A-Za-z0-9_-]{30,}/g],
  ["google-token", /ya29\.[A-Za-z0-9_-]{16,}/g],
  ["google-secret", /GOCSPX-[A-Za-z0-9_-]{16,}/g],
  ["anthropic-key", /sk-ant-[A-Za-z0-9_-]{16,}/g],
  ["openai-key", start("A-Za-z0-9", /sk-(?:proj|svcacct|admin|or|lf|None)-[A-Za-z0-9_-]{16,}/)],
  ["npm-token", /npm_[A-Za-z0-9]{16,}/g],
  ["pypi-token", /pypi-AgE[A-Za-z0-9_-]{16,}/g],
  ["docker-token", /dckr_(?:pat|oat)_[A-Za-z0-9_-]{16,}/g],
  ["huggingface-token", start("A-Za-z0-9", /hf_[A-Za-z0-9]{20,}/)],
  ["replicate-token", start("A-Za-z0-9", /r8_[A-Za-z0-9]{20,}/)],
  ["groq-key", /gsk_[A-Za-z0-9]{20,}/g],
  ["xai-key", /xai-[A-Za-z0-9]{20,}/g],
  ["perplexity-key", /pplx-[A-Za-z0-9]{20,}/g],
  ["sendgrid-key", start("A-Za-z0-9", /SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}/)],
  ["resend-key", start("A-Za-z0-9", /re_[A-Za-z0-9]{6,12}_[A-Za-z0-9]{16,}/)],
  ["twilio-key", start("A-Za-z0-9", /SK[0-9a-f]{32}(?![A-Za-z0-9])/)],
  ["telegram-token", start("A-Za-z0-9", /[0-9]{8,10}:AA[A-Za-z0-9_-]{30,}/)],
  ["linear-key", /lin_(?:api|oauth)_[A-Za-z0-9]{16,}/g],
  ["notion-token", start("A-Za-z0-9", /ntn_[A-Za-z0-9]{20,}/)],
  ["supabase-key", /sb(?:p|_secret)_[A-Za-z0-9_]{20,}/g],
  ["sentry-token", /sntry[su]_[A-Za-z0-9+/=_]{20,}/g],
  ["grafana-token", /gl(?:sa|c)_[A-Za-z0-9+/=_]{20,}/g],
  ["digitalocean-token", /do[opr]_v1_[a-f0-9]{16,}/g],
  ["shopify-token", /shp(?:at|ca|pa|ss)_[a-fA-F0-9]{16,}/g],
  ["postman-key", /PMAK-[a-f0-9]{16,}(?:-[a-f0-9]+)?/g],
  ["doppler-token", /dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9_.-]{20,}/g],
  ["vault-token", /hv[sbr]\.[A-Za-z0-9_-]{20,}/g],
  ["databricks-token", start("A-Za-z0-9", /dapi[a-f0-9]{32}/)],
  ["age-key", /AGE-SECRET-KEY-1[A-Z0-9]{16,}/g],
  // Private keys as bare base64 DER: PKCS#8 of Ed25519 and X25519, RSA, P-256.
  ["private-key", /MC4CAQAwBQYDK2V[uw][A-Za-z0-9+/_-]{20,}={0,2}/g],
  [
    "private-key",
    /MII[A-Za-z0-9+/_-]{2}[QgwA][A-Za-z0-9+/_-]{3,5}DANBgkqhkiG9w0BAQEFAAS[A-Za-z0-9+/_-]{20,}={0,2}/g,
  ],
  ["private-key", /MIGHAgEAMBMGByqGSM49[A-Za-z0-9+/_-]{20,}={0,2}/g],
];

/**
 * Those that begin with a literal are looked for all at once: nearly every text holds none, and one after the other takes six
 * times as long.
 */
const { literal = [], other = [] } = Object.groupBy(FORMATS, ([, { source, flags }]) =>
  flags === "g" && !source.startsWith("(") ? "literal" : "other",
);
const ANY_LITERAL = new RegExp(literal.map(([, { source }]) => source).join("|"));

/** `eyJ` is base64 of `{"`: a JWT, or a token that is JSON in base64 alone. From the boundary, or runs would be read again. */
const ENCODED_JSON = start("\\w-", /[\w-]{20,}[\w.+/=-]*/);
const OLD_OPENAI = start("\\w-", /sk-[A-Za-z0-9]{20,}/);
const AWS_SECRET = start("A-Za-z0-9+/=_-", /[A-Za-z0-9+/]{40}(?![A-Za-z0-9+/=_-])/);
/** As the format that is redacted: what is left of a text must not make a secret of anything when it is looked at again. */
const AWS_KEY_ID = start("A-Za-z0-9", /(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])/);

/** Redacts what a provider's key is known by. */
export function redactFormats(text: string): string {
  let result = text;
  // An AWS secret has no shape of its own but 40 characters: it is taken for one beside the id that belongs to it.
  if (AWS_KEY_ID.test(text)) {
    result = replaceMatches(result, AWS_SECRET, "aws-secret", (match) =>
      looksRandom(match[0]) && /[A-Z]/.test(match[0]) ? whole(match) : null,
    );
  }
  for (const [what, pattern] of ANY_LITERAL.test(result) ? FORMATS : other)
    result = replaceMatches(result, pattern, what);
  result = replaceMatches(result, OLD_OPENAI, "openai-key", (match) =>
    looksRandom(match[0].slice(3)) ? whole(match) : null,
  );
  if (!result.includes("eyJ")) return result;
  return replaceMatches(result, ENCODED_JSON, "jwt", (match) => {
    const token = match[0].replace(/(?<!\.)\.+$/, "");
    const start = token.indexOf("eyJ");
    if (start < 0 || token.length - start < 40 || !isEncodedJson(token.slice(start))) return null;
    return { start: match.index + start, end: match.index + token.length };
  });
}

/** Hashes in base64 hold `eyJ` too, now and then; a name in quotes after it is no chance. */
function isEncodedJson(token: string): boolean {
  return /^\{"[\w$.@ -]+":/.test(Buffer.from(token.slice(0, 100), "base64").toString());
}
