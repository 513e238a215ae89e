/** Words that make a name secret, wherever they stand in it. Two words are one when written together. */
const SECRET_WORDS = new Set(
  `password passwd pwd pass passphrase passcode secret token apikey credential authorization cookie jwt dsn
   privatekey secretkey accesskey signingkey encryptionkey accountkey masterkey sharedkey servicekey authkey
   connectionstring bearer`.split(/\s+/),
);

/** A last word that makes it a name of something about the secret, which is no secret. */
const ABOUT = new Set(
  `id ids name names count counts type types kind limit limits size length hash sha256 digest fingerprint expiry expires
   expiration at path file dir url uri endpoint ref refs status policy required enabled version algorithm alg scope scopes usage budget
   window per max min total used left prefix index position offset reason error code codes header`.split(
    /\s+/,
  ),
);

const MAX_NAME = 200;

/** `dbPassword`, `DB_PASSWORD`, `db-passwords` and `db.password` are all `db`, `password`. */
function words(name: string): string[] {
  return name
    .slice(-MAX_NAME)
    .replace(/\[redacted:[a-z0-9-]+\]/g, " ")
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replace(/([A-Z])([A-Z][a-z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== "");
}

/**
 * Whether what stands under this name (of a JSON field, header, parameter or variable) is a secret: `apiKey`,
 * `X-Auth-Token`, `GITHUB_TOKEN_2` are, `tokenCount`, `secretName`, `keyId`, `signature` and `nonce` are not.
 */
export function isSecretName(name: string): boolean {
  const parts = words(name);
  const last = parts.at(-1);
  if (last === undefined || ABOUT.has(last)) return false;
  return parts.some(
    (word, i) => isSecretWord(word) || isSecretWord(word + (parts[i + 1] ?? "").replace(/s$/, "")),
  );
}

/** Also in the plural, with a number, and with a word before it that was not set apart, such as `authtoken`. */
function isSecretWord(word: string): boolean {
  const stem = word.replace(/[0-9]+$/, "").replace(/s$/, "");
  if (SECRET_WORDS.has(stem) || SECRET_WORDS.has(word)) return true;
  return /(password|passwd|secret|token|apikey|privatekey|accesskey)$/.test(stem);
}
