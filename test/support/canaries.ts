import { createHmac, generateKeyPairSync, randomBytes, randomInt } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { canonicalJson } from "#lib/canonical.ts";

/** A secret that no one else has: how somebody would write it, and the pieces of it that must be nowhere afterwards. */
export interface Canary {
  readonly what: string;
  readonly written: string;
  readonly needles: readonly string[];
}

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** Made at run time, so that nothing in the repository looks like a secret. With a capital, a small letter and a digit. */
function random(length: number, alphabet = LETTERS): string {
  const text = Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join("");
  return alphabet === LETTERS ? `${text.slice(0, 3)}7Rk${text.slice(6)}` : text;
}

const hex = (length: number) => randomBytes(length / 2).toString("hex");
const base64 = (text: string) => Buffer.from(text).toString("base64");
const base64url = (text: string) => Buffer.from(text).toString("base64url");

/** Its two ends are looked for, so that what was cut or redacted in part is found too. */
function ends(secret: string): string[] {
  return secret.length <= 20 ? [secret] : [secret.slice(0, 16), secret.slice(-16)];
}

type Shape = readonly [what: string, secret: () => string, written?: (secret: string) => string];

const SHAPES: readonly Shape[] = [
  ["github", () => random(36), (key) => `ghp_${key}`],
  ["github app", () => random(36), (key) => `ghs_${key}`],
  ["github fine-grained", () => random(59), (key) => `github_pat_11${key}`],
  ["gitlab", () => random(20), (key) => `glpat-${key}`],
  ["vercel", () => random(24), (key) => `vcp_${key}`],
  ["vercel blob", () => random(30), (key) => `vercel_blob_rw_${key}`],
  ["upstash redis", () => random(50), (key) => `AX3dASQg${key}`],
  ["upstash vector", () => random(70), (key) => `ABcFM${key}`],
  ["neon", () => random(48), (key) => `napi_${key}`],
  ["inngest", () => hex(64), (key) => `signkey-prod-${key}`],
  ["slack", () => random(24), (key) => `xoxb-2048-1024-${key}`],
  ["slack webhook", () => random(24), (key) => `https://hooks.slack.com/services/T01/B02/${key}`],
  ["stripe", () => random(24), (key) => `sk_live_${key}`],
  ["webhook secret", () => random(32), (key) => `whsec_${key}`],
  ["aws", () => random(40), (key) => `${`AKIA${random(16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")}`} ${key}`],
  ["google", () => random(35), (key) => `AIza${key}`],
  ["google oauth", () => random(40), (key) => `ya29.${key}`],
  ["openai", () => random(48), (key) => `sk-proj-${key}`],
  ["openai old", () => random(48), (key) => `sk-${key}`],
  ["anthropic", () => random(60), (key) => `sk-ant-api03-${key}`],
  ["npm", () => random(36), (key) => `npm_${key}`],
  ["pypi", () => random(60), (key) => `pypi-AgEIcHlwaS5vcmc${key}`],
  ["docker", () => random(27), (key) => `dckr_pat_${key}`],
  ["hugging face", () => random(34), (key) => `hf_${key}`],
  ["sendgrid", () => random(43), (key) => `SG.${random(22)}.${key}`],
  ["jwt", jwt],
  ["pem", () => pem("ed25519")],
  ["pem rsa", () => pem("rsa")],
  ["bare der", () => der().toString("base64")],
  [
    "postgres",
    () => random(16),
    (key) => `postgresql://app:${key}@ep-1.neon.tech/db?sslmode=require`,
  ],
  ["redis", () => random(32), (key) => `rediss://default:${key}@eu1.upstash.io:6379`],
  ["mongodb", () => random(20), (key) => `mongodb+srv://app:${key}@c0.mongodb.net/db`],
  ["libpq", () => random(16), (key) => `host=db user=app password=${key} dbname=app`],
  ["basic-auth url", () => random(16), (key) => `https://bob:${key}@example.com/report`],
  ["git url", () => random(20), (key) => `https://${key}@github.com/octo/repo.git`],
  ["url token", () => random(24), (key) => `https://example.com/a?page=2&access_token=${key}`],
  ["presigned url", () => hex(64), (key) => `https://b.s3.amazonaws.com/k?X-Amz-Signature=${key}`],
  ["sas url", () => random(40), (key) => `https://a.blob.core.windows.net/c?sv=1&sig=${key}%3D`],
  ["bearer header", () => random(32), (key) => `Authorization: Bearer ${key}`],
  ["basic header", () => base64(`bob:${random(16)}`), (key) => `Authorization: Basic ${key}`],
  ["cookie", () => random(24), (key) => `Cookie: theme=dark; sid=${key}`],
  ["api key header", () => random(24), (key) => `X-Api-Key: ${key}`],
  ["shell variable", () => random(16), (key) => `DB_PASSWORD=${key}`],
  ["json field", () => random(20), (key) => `{"client_secret":"${key}"}`],
  ["yaml field", () => random(20), (key) => `signingSecret: ${key}`],
  ["command line", () => random(20), (key) => `deploy --token ${key} --prod`],
];

function jwt(): string {
  const body = `${base64url('{"alg":"HS256"}')}.${base64url(`{"sub":"${random(12)}"}`)}`;
  return `${body}.${createHmac("sha256", randomBytes(32)).update(body).digest("base64url")}`;
}

function pem(kind: "ed25519" | "rsa"): string {
  const { privateKey } =
    kind === "rsa"
      ? generateKeyPairSync("rsa", { modulusLength: 2048 })
      : generateKeyPairSync("ed25519");
  return privateKey.export({ type: "pkcs8", format: "pem" }).toString().trim();
}

function der(): Buffer {
  return generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "der" });
}

/** What differs from one key to the next: the first line of a PEM and the header of a JWT are the same in all. */
function needlesOf(what: string, secret: string): string[] {
  if (what.startsWith("pem")) return ends(secret.split("\n").slice(1, -1).join("").slice(-40, -2));
  if (what === "bare der") return ends(secret.slice(-40, -2));
  if (what === "jwt") return ends(secret.split(".")[2] ?? "");
  return ends(secret);
}

/** One canary of each shape; no two calls give the same. */
export function canaries(): Canary[] {
  return SHAPES.map(([what, make, write = (secret) => secret]) => {
    const secret = make();
    return { what, written: write(secret), needles: needlesOf(what, secret) };
  });
}

/** Secrets that nothing but the environment tells from other text, and the variables that have them. */
export function environmentCanaries(prefix: string): {
  env: Record<string, string>;
  canaries: Canary[];
} {
  const words = (count: number) =>
    Array.from({ length: count }, () => random(5, "abcdefghijklmnopqrstuvwxyz")).join(" ");
  const password = random(14, "abcdefghijklmnopqrstuvwxyz");
  const values = {
    [`${prefix}_PASSPHRASE`]: words(4),
    [`${prefix}_TOKEN`]: `${words(2)} "+/${words(2)}`,
    [`${prefix}_API_KEY`]: random(24, "abcdefghijklmnopqrstuvwxyz"),
  };
  const url = `smtp://mailer:${password}@mail.example.com:25`;
  return {
    env: { ...values, [`${prefix}_MAIL`]: url },
    canaries: [
      ...Object.entries(values).map(([what, value]) => ({
        what,
        written: value,
        needles: [value],
      })),
      { what: `${prefix}_MAIL`, written: password, needles: [password] },
    ],
  };
}

/**
 * Texts of at most `limit` characters that together hold every canary that fits into one. Each begins with a mark, a word
 * that is to be found where the text was kept: so it is known that the secrets came that far.
 */
export function packs(
  all: readonly Canary[],
  { mark, limit, separator = " " }: { mark: string; limit: number; separator?: string },
): { mark: string; text: string }[] {
  const texts: string[][] = [];
  let room = 0;
  for (const { written } of all) {
    if (separator !== "\n" && written.includes("\n")) continue;
    const taken = written.length + separator.length;
    if (taken > limit - 24) continue;
    if (taken > room) {
      texts.push([]);
      room = limit - 24;
    }
    texts.at(-1)?.push(written);
    room -= taken;
  }
  return texts.map((parts, i) => {
    const own = `canary-${mark}-${i}`;
    return { mark: own, text: [own, ...parts].join(separator) };
  });
}

/** Where something was found that must be nowhere. */
export interface Leak {
  readonly place: string;
  readonly what: string;
  readonly around: string;
}

/** Every writing of a needle: as it is, in URLs, in JSON, in hexadecimal and in base64, which falls in three ways. */
function writings(needle: string): string[] {
  const inBase64 = [0, 1, 2].map((offset) => {
    const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(needle)]);
    const first = Math.ceil((offset * 8) / 6);
    return bytes.toString("base64").slice(first, Math.floor((bytes.length * 8) / 6));
  });
  const plain = [needle, encodeURIComponent(needle), JSON.stringify(needle).slice(1, -1)];
  return [...new Set([...plain, Buffer.from(needle).toString("hex"), ...inBase64])];
}

/** Looks for all canaries in one pass over the bytes, however many there are. */
export class Search {
  readonly #byStart = new Map<number, { bytes: Buffer; what: string }[]>();
  /** Which first two bytes any needle has: nearly all places are passed by with one look. */
  readonly #begins = new Uint8Array(65_536);

  constructor(all: readonly Canary[]) {
    for (const { what, needles } of all) {
      for (const text of new Set(needles.flatMap(writings))) {
        const bytes = Buffer.from(text);
        const start = bytes.readUInt32BE(0);
        this.#byStart.set(start, [...(this.#byStart.get(start) ?? []), { bytes, what }]);
        this.#begins[bytes.readUInt16BE(0)] = 1;
      }
    }
  }

  in(place: string, content: string | Buffer): Leak[] {
    const bytes = typeof content === "string" ? Buffer.from(content) : content;
    const leaks: Leak[] = [];
    for (let at = 0; at + 4 <= bytes.length; at++) {
      const two = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
      if (this.#begins[two] === 0) continue;
      for (const needle of this.#byStart.get(bytes.readUInt32BE(at)) ?? []) {
        if (!bytes.subarray(at, at + needle.bytes.length).equals(needle.bytes)) continue;
        const around = bytes.toString("latin1", Math.max(0, at - 120), at + 80);
        leaks.push({ place, what: needle.what, around });
      }
    }
    return leaks;
  }
}

/** Every file below a directory, with its bytes. */
export async function* filesIn(dir: string): AsyncGenerator<{ path: string; bytes: Buffer }> {
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) yield { path, bytes: await readFile(path) };
  }
}

/**
 * A JSON text without the objects that are, field for field, one of `given`: what a sender sent is kept by the engine as it
 * was sent, and handed on so to whoever it wakes. All else stays. What is no JSON is returned as it is.
 */
export function without(text: string, given: ReadonlySet<string>): string {
  const strip = (value: unknown): unknown => {
    if (value === null || typeof value !== "object") return value;
    if (Array.isArray(value)) return value.map(strip);
    if (given.has(canonicalJson(value))) return "(as it was sent)";
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, strip(inner)]));
  };
  try {
    return JSON.stringify(strip(JSON.parse(text)));
  } catch {
    // Not JSON: an expression, a name, a number.
    return text;
  }
}
