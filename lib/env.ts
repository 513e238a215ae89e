import * as z from "zod";
import { InvalidInput } from "./errors.ts";
import { isSecretName } from "./redact/names.ts";

/** An unset variable and an empty one mean the same: shells and dashboards make the second by accident. */
const optional = <T extends z.ZodType>(type: T) =>
  z.preprocess((value) => (value === "" ? undefined : value), type.optional());

const schema = z.object({
  DATABASE_URL: optional(z.string().startsWith("postgres")),
  /** `host:port/path` of a WebSocket relay in front of Postgres; only the local cloud sets it. */
  NEON_WS_PROXY: optional(z.string()),

  UPSTASH_VECTOR_REST_URL: optional(z.url()),
  UPSTASH_VECTOR_REST_TOKEN: optional(z.string()),

  /** A directory for blobs; otherwise Vercel Blob with its token. */
  BLOB_DIR: optional(z.string()),
  BLOB_READ_WRITE_TOKEN: optional(z.string()),

  /** Where Neon Auth publishes its keys; in production the only way to log in. */
  NEON_AUTH_JWKS_URL: optional(z.url()),
  NEON_AUTH_ISSUER: optional(z.string()),
  NEON_AUTH_AUDIENCE: optional(z.string()),
  /** Signs tokens on a laptop, where no Neon Auth is. Refused in production. */
  LOCAL_AUTH_SECRET: optional(z.string().min(32)),

  /** Signs checkpoints of audit chains: an Ed25519 key as PKCS#8, PEM or its DER in base64. */
  AUDIT_SIGNING_KEY: optional(z.string()),

  /** Seals the decisions of people whom our HTTP edge has authenticated, for the policies that ask for `api`. */
  APPROVAL_EDGE_SECRET: optional(z.string().min(32)),

  /** Where the ledger service is and what opens it: the target of runs with `target: "ledger"`. */
  LEDGER_URL: optional(z.url()),
  LEDGER_TOKEN: optional(z.string()),

  /** Which GitHub, as whom, and what signs its webhooks. Unset URL: github.com. */
  GITHUB_API_URL: optional(z.url({ protocol: /^https?$/ })),
  GITHUB_TOKEN: optional(z.string()),
  GITHUB_WEBHOOK_SECRET: optional(z.string().min(16)),
  /** How long one change there may take, of all its calls together; 25 unless said. What died is taken over after twice that. */
  GITHUB_TIMEOUT_SECONDS: optional(z.coerce.number().int().min(1).max(120)),

  /** Where commands of repositories run: `vercel` (a microVM each) or `local`; unset: vercel when deployed. */
  SANDBOX: optional(z.enum(["vercel", "local"])),
  /** Repositories (`owner/name`, comma-separated) whose commands may run also where no sandbox can hold them. */
  SANDBOX_TRUSTED_REPOS: optional(z.string()),
  /** For the Vercel Sandbox outside Vercel; on Vercel its own token is used. */
  VERCEL_PROJECT_ID: optional(z.string()),

  /** Where target apps are deployed, as whom, and what signs its webhooks. Unset URL: api.vercel.com. */
  VERCEL_API_URL: optional(z.url({ protocol: /^https?$/ })),
  VERCEL_TOKEN: optional(z.string()),
  VERCEL_TEAM_ID: optional(z.string()),
  VERCEL_WEBHOOK_SECRET: optional(z.string().min(16)),

  /** Where databases of target apps are made, and as whom. Unset URL: console.neon.tech. */
  NEON_API_URL: optional(z.url({ protocol: /^https?$/ })),
  NEON_API_KEY: optional(z.string()),
  NEON_ORG_ID: optional(z.string()),

  /** Where their vector indexes and Redis databases are made, and as whom. Unset URL: api.upstash.com. */
  UPSTASH_API_URL: optional(z.url({ protocol: /^https?$/ })),
  UPSTASH_EMAIL: optional(z.string()),
  UPSTASH_API_KEY: optional(z.string()),
  /** How long one change at Vercel, Neon or Upstash may take, of all its calls together; 25 unless said. */
  PROVIDER_TIMEOUT_SECONDS: optional(z.coerce.number().int().min(1).max(120)),

  /** The language model that writes; without one, sentences of the sources are taken as they are. */
  MODEL: optional(z.string()),
  /** An OpenAI-compatible base URL, such as `http://127.0.0.1:11434/v1`; otherwise MODEL is asked at the AI Gateway. */
  MODEL_URL: optional(z.url({ protocol: /^https?$/ })),
  MODEL_API_KEY: optional(z.string()),
  AI_GATEWAY_API_KEY: optional(z.string()),
  /** How long one piece of writing may take, requests and repairs together: less than a function may run. */
  MODEL_TIMEOUT_SECONDS: optional(z.coerce.number().int().min(1).max(600)),

  /** Where the command line finds Countersign, as whom, and which project it is about. */
  COUNTERSIGN_URL: optional(z.url()),
  COUNTERSIGN_TOKEN: optional(z.string()),
  COUNTERSIGN_PROJECT: optional(z.string()),
  /** Read by the Inngest SDK itself, and by the command line to send events. */
  INNGEST_DEV: optional(z.string()),
  INNGEST_EVENT_KEY: optional(z.string()),

  /** Hosts that `file.uploaded` may link to, comma-separated; `*.example.com` allows subdomains. Empty: none. */
  FILE_URL_HOSTS: optional(z.string()),
  /** `1` allows links to http on 127.0.0.1, for tests and the demo. Refused when deployed. */
  FETCH_ALLOW_LOOPBACK_HTTP: optional(z.enum(["0", "1"])),

  /** Where programs are that we run, such as git: all that they get of this environment. */
  PATH: optional(z.string()),

  /** Set by Vercel to production, preview or development. */
  VERCEL_ENV: optional(z.string()),
  NODE_ENV: optional(z.string()),
});

export type Env = z.infer<typeof schema>;

/**
 * The environment, checked when it is asked for, so that importing a module needs no configuration.
 * Throws InvalidInput that names every malformed variable (never its value).
 */
export function env(): Env {
  const result = schema.safeParse(process.env);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
  throw new InvalidInput("environment", `The environment is not right. ${problems.join("; ")}`);
}

/** One variable that the caller cannot do without. Throws InvalidInput with its name when it is not set. */
export function requiredEnv<K extends keyof Env>(name: K): NonNullable<Env[K]> {
  const value = env()[name];
  if (value === undefined)
    throw new InvalidInput("environment", `${name} is not set; see docs/environment.md.`);
  return value as NonNullable<Env[K]>;
}

/** Whether this runs as a deployment: what only a laptop or a test may do is then refused. */
export function isDeployed(): boolean {
  const { VERCEL_ENV, NODE_ENV } = env();
  return VERCEL_ENV === "production" || VERCEL_ENV === "preview" || NODE_ENV === "production";
}

/** Names that end so hold keys, ours and those of SDKs: INNGEST_EVENT_KEY, INNGEST_SIGNING_KEY_FALLBACK, NEON_API_KEY. */
const KEY_NAME = /(?<!PUBLIC)_KEY(?:_(?:FALLBACK|OLD|NEW|[0-9]+))?$/;

/**
 * What must never be written anywhere: the value of each variable whose name says that it is a secret (password, secret,
 * token, credential, ..._KEY), and every value that is a URL with a password, with that password as it is and decoded.
 * That takes in all secrets of ours (DATABASE_URL, UPSTASH_VECTOR_REST_TOKEN, BLOB_READ_WRITE_TOKEN, LOCAL_AUTH_SECRET,
 * AUDIT_SIGNING_KEY, INNGEST_EVENT_KEY, INNGEST_SIGNING_KEY) and those of tools that share the process.
 */
export function secretValues(): readonly string[] {
  return Object.entries(process.env).flatMap(([name, value]) => {
    if (!value) return [];
    if (value.includes("@") && URL.canParse(value)) return [value, ...passwords(value)];
    return isSecretVariable(name) ? [value] : [];
  });
}

/** Remembered: the names of an environment are few and stay the same, and this is asked for every line of the log. */
const secretVariables = new Map<string, boolean>();
function isSecretVariable(name: string): boolean {
  const known = secretVariables.get(name) ?? (isSecretName(name) || KEY_NAME.test(name));
  secretVariables.set(name, known);
  return known;
}

function passwords(url: string): string[] {
  const { username, password } = new URL(url);
  // A password that is the user's name protects nothing, and would be found all over (`postgres`).
  return password === username ? [] : [password, decoded(password)];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A lone percent sign: then it was not encoded.
    return text;
  }
}
