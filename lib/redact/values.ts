/** References to where a secret is kept, and stand-ins for one: `${TOKEN}`, `$TOKEN`, `<token>`, `{{ token }}`, `%s`, `***`. */
const REFERENCE = /^(?:\$|<|\{|%[a-z]|\*+$|\.{3}|x{4,}$|process\.env|import\.meta|os\.environ)/i;
/** The name of a variable: `GITHUB_TOKEN`. */
const CONSTANT = /^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$/;
/** `getToken(`, `keys[`: code. */
const CALL = /^[A-Za-z_$][A-Za-z_$.]*[([]/;
/** A path has at least two parts of ordinary words: base64 that happens to start with a slash has not. */
const PATH = /^(?:~|\.{1,2})?(?:\/[a-z][a-z._-]*){2,}\/?$/;
/** Runs of letters as a person writes them in identifiers and prose. */
const WORD = /[A-Z]?[a-z]{2,}|[A-Z]{2,}(?![a-z])/g;
const LONGEST_WORD = 16;

/**
 * Whether a text without spaces that stands behind a secret-looking name in prose or code is a secret rather than a word,
 * a reference or an identifier: "password: required", `token = getToken`, `secret: "${SECRET}"` have to survive.
 * @param value at most some hundred characters, which is enough to tell
 */
export function looksSecret(value: string): boolean {
  const known = [REFERENCE, CONSTANT, CALL, PATH];
  if (value.length < 6 || known.some((pattern) => pattern.test(value))) return false;
  return !isWordy(value);
}

/** Words that end in a number. */
const NUMBERED = /(?:sha|base|utf|u?int|float|ed|curve|oauth|http)-?[0-9]{1,5}(?![0-9])/gi;

/** Words alone, joined by capitals and signs, as in `nextPageToken`, `auth.token`, `must-be-long`, `sha256Digest`. */
export function isWordy(value: string): boolean {
  const text = value.replace(/(?<![^A-Za-z0-9])[^A-Za-z0-9]+$/, "").replace(NUMBERED, "");
  // A password has a digit nearly always, and so has what chance makes.
  if (/[0-9]/.test(text)) return false;
  const found = text.match(WORD) ?? [];
  if (found.some((word) => word.length > LONGEST_WORD || !/[aeiouy]/i.test(word))) return false;
  const letters = found.reduce((sum, word) => sum + word.length, 0);
  return letters >= 0.75 * text.length && letters >= 3 * found.length;
}

/** Whether a token has what chance gives and words have not: capitals, small letters and digits, in 16 characters or more. */
export function looksRandom(value: string): boolean {
  return (
    value.length >= 16 &&
    /[0-9]/.test(value) &&
    ((/[a-z]/.test(value) && /[A-Z]/.test(value)) || value.length >= 24) &&
    !isWordy(value)
  );
}
