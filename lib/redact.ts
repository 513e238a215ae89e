import { redactAssignments } from "./redact/assignments.ts";
import { redactFormats } from "./redact/formats.ts";
import { redactHeaders } from "./redact/headers.ts";
import { knownSecrets, redactKnown } from "./redact/known.ts";
import { isSecretName } from "./redact/names.ts";
import { redactPem } from "./redact/pem.ts";
import { inItsLines, isPlaceholder, placeholder, type Write } from "./redact/replace.ts";
import { redactUrls } from "./redact/urls.ts";
import { looksSecret } from "./redact/values.ts";

/** Deeper than anything of ours; what lies below is not looked at and so not kept. */
const MAX_DEPTH = 100;

/**
 * The text with every secret that is known or recognised replaced by `[redacted:<what>]`: values of the environment's
 * secrets, private keys, credentials in URLs and headers, keys of a provider's shape, and what is assigned to a
 * secret-looking name. Ids, hashes, times, URLs without secrets and prose stay. Twice is the same as once; JSON text stays
 * JSON. Linear in the text's length.
 */
export function redactText(text: string): string {
  // What a command says that has nothing to say: not worth a look at the environment.
  if (text === "") return "";
  return redactString(text, knownSecrets());
}

/**
 * The same in as many lines: line n of it is line n of the text. For a text that is then shown in part, since what a secret is
 * recognised by can be in a part that is not shown.
 */
export function redactLines(text: string): string {
  return redactString(text, knownSecrets(), inItsLines);
}

/** Only the first of them takes what goes over more than one line. */
const RULES: readonly ((text: string, write: Write) => string)[] = [
  redactPem,
  redactUrls,
  redactHeaders,
  redactFormats,
  redactAssignments,
];
/** One round that changes and one that finds nothing more is what nearly every text with a secret takes. */
const MAX_ROUNDS = 5;

function redactString(text: string, known: readonly string[], write: Write = placeholder): string {
  let result = redactKnown(text, known, write);
  // A placeholder can make what stands beside it look like a secret: again, until nothing changes.
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const before = result;
    for (const redact of RULES) result = redact(result, write);
    if (result === before) break;
  }
  return result;
}

/**
 * A copy of a JSON value of the same shape, in which every string (keys too) is redacted as text and every string below a
 * secret-looking key is replaced whole. Numbers, booleans, null and dates stay; of any other object there is what JSON shows of it.
 */
export function redactJson<T>(value: T): T {
  return redactValue(value, { known: knownSecrets(), secret: false, depth: 0 }) as T;
}

interface Place {
  readonly known: readonly string[];
  /** Below a secret-looking key. */
  readonly secret: boolean;
  readonly depth: number;
}

function redactValue(value: unknown, { known, secret, depth }: Place): unknown {
  if (typeof value === "string") return secret ? hidden(value) : redactString(value, known);
  if (value === null || typeof value !== "object" || value instanceof Date) return value;
  if (depth >= MAX_DEPTH) return placeholder("too-deep");
  const below = { known, secret, depth: depth + 1 };
  if (Array.isArray(value)) {
    return value.map((item, i) =>
      redactValue(item, { ...below, secret: secret || namedBefore(value[i - 1], item) }),
    );
  }
  const named = namedSecret(value);
  const entries = Object.entries(value).map(([key, inner]): [string, unknown] => {
    const name = redactString(key, known);
    const secretName = isSecretName(key) || isSecretName(name);
    const hide = secret || secretName || (named && key === "value");
    return [name, redactValue(inner, { ...below, secret: hide })];
  });
  return Object.fromEntries(distinct(entries));
}

function hidden(text: string): string {
  return text === "" || isPlaceholder(text) ? text : placeholder("secret");
}

/** `{ name: "API_TOKEN", value: "…" }`: how environments, headers and form fields are listed. */
function namedSecret(value: object): boolean {
  const { name, key, header, value: text } = value as Record<string, unknown>;
  const label = name ?? key ?? header;
  return (
    typeof label === "string" &&
    typeof text === "string" &&
    isSecretName(label) &&
    looksSecret(text)
  );
}

/** `["authorization", "…", "cookie", "…"]`: how raw headers are listed, also in pairs. */
function namedBefore(name: unknown, value: unknown): boolean {
  if (typeof name !== "string" || typeof value !== "string") return false;
  return /^[\w.-]{1,64}$/.test(name) && isSecretName(name) && looksSecret(value);
}

/** Two keys that became the same are told apart by a number, so that no field is lost. */
function distinct(entries: [string, unknown][]): [string, unknown][] {
  const seen = new Set<string>();
  return entries.map(([key, inner]) => {
    let name = key;
    for (let n = 2; seen.has(name); n++) name = `${key}#${n}`;
    seen.add(name);
    return [name, inner];
  });
}
