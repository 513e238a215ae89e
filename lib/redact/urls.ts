import { isSecretName } from "./names.ts";
import { replaceMatches, tail, whole } from "./replace.ts";
import { looksRandom } from "./values.ts";

/** Always to the end of what could be one: a password in it may hold any sign, unescaped too. */
const CONNECTION =
  /(?:postgres(?:ql)?|mysql2?|mariadb|mongodb(?:\+srv)?|rediss?|amqps?|mssql|sqlserver|clickhouses?|cockroachdb|cassandra|neo4j(?:\+s)?|nats|kafka|ldaps?|smtps?|libsql):\/\/[^\s"'`<>\\]+/gi;
/** User, password or token before the host. Neither `/` nor `?` can be in it, so no two matches share a character. */
const USERINFO = /:\/\/([^\s/?#"'`<>\\]+)@/g;
const PARAMETER = /[?&;#]([A-Za-z0-9_.~-]{1,64})=([^\s&#"'`<>\\]+)/g;

/** Parameters that carry a right and whose names do not say so everywhere else. */
const ALWAYS = /^(?:sig|signature|pass|otp|se?ssion|ticket|assertion|x-(?:amz|goog|oss|ms)-.+)$/i;
/** Those that carry one or something harmless: the value tells. */
const PERHAPS = /^(?:key|code|auth|sid|hmac)$/i;

/** Redacts connection strings with a credential, and credentials and signatures in any other URL. */
export function redactUrls(text: string): string {
  let result = text;
  if (text.includes("://")) {
    result = replaceMatches(result, CONNECTION, "connection-string", (match) =>
      /@|[?&;](?:[a-z_-]*(?:password|token|secret|pwd|key))=/i.test(match[0]) ? whole(match) : null,
    );
    result = replaceMatches(result, USERINFO, "url-credentials", (match) => {
      const start = match.index + "://".length;
      return { start, end: start + (match[1] ?? "").length };
    });
  }
  return replaceMatches(result, PARAMETER, "url-parameter", (match) => {
    const [, name = "", value = ""] = match;
    const secret = ALWAYS.test(name) || isSecretName(name);
    return secret || (PERHAPS.test(name) && looksRandom(value)) ? tail(match) : null;
  });
}
