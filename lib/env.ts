import * as z from "zod";
import { InvalidInput } from "./errors.ts";
import { isSecretName } from "./redact/names.ts";

/** As it was when this was loaded: a test that stops the clock does not stop the turns of the event loop. */
const { setImmediate: later } = globalThis;

/** What the tables in README.md and docs/environment.md say of a variable; `npm run env:table` writes them. */
export interface About {
  /** What it belongs to: one table each. */
  readonly group: string;
  readonly what: string;
  /** When it has to be set: `always`, or the case; absent: never. */
  readonly needed?: string;
  /** What holds when it is not set, where that is not nothing. */
  readonly unset?: string;
  /** Whether it must be kept from everybody; what is so is redacted wherever it turns up. */
  readonly secret?: true;
}

/** A registry of our own, and no `.meta()`: that would make a second schema of each, at every cold start. */
const descriptions = z.registry<About>();

/** An unset variable and an empty one mean the same: shells and dashboards make the second by accident. */
const optional = <T extends z.ZodType>(type: T, about: About) =>
  z
    .preprocess((value) => (value === "" ? undefined : value), type.optional())
    .register(descriptions, about);

const text = z.string();
const httpUrl = z.url({ protocol: /^https?$/ });
const seconds = (most: number) => z.coerce.number().int().min(1).max(most);

/** The most that one call of an effect may be given. How late one may be sent, the verifier of bundles knows by it. */
export const MAX_CALL_SECONDS = 120;

/** Every variable with its type and what is said of it: one place, which makes this file long. */
const schema = z.object({
  DATABASE_URL: optional(z.string().startsWith("postgres"), {
    group: "Database",
    what: "Postgres, as `postgres://…`: a Neon connection string, pooled or not, or any server behind a relay (`NEON_WS_PROXY`)",
    needed: "always",
    secret: true,
  }),
  NEON_WS_PROXY: optional(text, {
    group: "Database",
    what: "`host:port/path` of the WebSocket relay in front of a Postgres that is not Neon; asked without TLS",
    needed: "with a Postgres that is not Neon",
  }),
  UPSTASH_VECTOR_REST_URL: optional(z.url(), {
    group: "Search",
    what: "the Upstash Vector index: hybrid, with an embedding model of Upstash",
    needed: "always",
  }),
  UPSTASH_VECTOR_REST_TOKEN: optional(text, {
    group: "Search",
    what: "its token; one that may write",
    needed: "always",
    secret: true,
  }),
  INNGEST_EVENT_KEY: optional(text, {
    group: "Inngest",
    what: "sends events; also read by the command line",
    needed: "in production",
    secret: true,
  }),
  INNGEST_SIGNING_KEY: optional(text, {
    group: "Inngest",
    what: "proves that a call of a function comes from Inngest; read by the SDK",
    needed: "in production",
    secret: true,
  }),
  INNGEST_SIGNING_KEY_FALLBACK: optional(text, {
    group: "Inngest",
    what: "the key before or after, while keys are rotated; read by the SDK",
    secret: true,
  }),
  INNGEST_BASE_URL: optional(text, {
    group: "Inngest",
    what: "a self-hosted Inngest server; read by the SDK",
    needed: "with Inngest self-hosted",
    unset: "Inngest's cloud",
  }),
  INNGEST_SERVE_ORIGIN: optional(text, {
    group: "Inngest",
    what: "where Inngest reaches this app, when a proxy in front hides it (`https://countersign.example.com`); read by the SDK",
    needed: "behind some proxies",
    unset: "what the request says",
  }),
  INNGEST_DEV: optional(text, {
    group: "Inngest",
    what: "`1`, or the URL of a dev server, which signs nothing: never in production",
  }),
  BLOB_READ_WRITE_TOKEN: optional(text, {
    group: "Blobs",
    what: "a private Vercel Blob store",
    needed: "in production, unless `BLOB_DIR`",
    secret: true,
  }),
  BLOB_DIR: optional(text, {
    group: "Blobs",
    what: "a directory for blobs instead, which all instances share",
    needed: "self-hosted, unless Vercel Blob",
  }),
  NEON_AUTH_JWKS_URL: optional(z.url(), {
    group: "Login",
    what: "where Neon Auth, or another issuer of JWTs, publishes its keys",
    needed: "in production",
  }),
  NEON_AUTH_ISSUER: optional(text, {
    group: "Login",
    what: "what `iss` of a token must be",
    unset: "not checked",
  }),
  NEON_AUTH_AUDIENCE: optional(text, {
    group: "Login",
    what: "what `aud` of a token must be",
    unset: "not checked",
  }),
  LOCAL_AUTH_SECRET: optional(z.string().min(32), {
    group: "Login",
    what: "signs tokens on a laptop, 32 characters or more; refused in production",
    secret: true,
  }),
  APPROVAL_EDGE_SECRET: optional(z.string().min(32), {
    group: "Approvals and audit",
    what: "seals decisions that come through our HTTP edge, 32 characters or more",
    needed: "for policies that ask for `api`, such as `strict`",
    secret: true,
  }),
  AUDIT_SIGNING_KEY: optional(text, {
    group: "Approvals and audit",
    what: "signs checkpoints of audit chains and the statements of bundles: Ed25519 as PKCS#8, PEM (line ends may be written `\\n`) or its DER in base64",
    needed: "for checkpoints and signed bundles",
    unset: "no checkpoints, unsigned bundles",
    secret: true,
  }),
  GITHUB_TOKEN: optional(text, {
    group: "GitHub",
    what: "reads and writes contents and pull requests of the connected repositories, and reads their checks",
    needed: "for repositories",
    secret: true,
  }),
  GITHUB_WEBHOOK_SECRET: optional(z.string().min(16), {
    group: "GitHub",
    what: "signs the webhook to `/api/webhooks/github`, 16 characters or more",
    needed: "for webhooks",
    unset: "they are answered 503",
    secret: true,
  }),
  GITHUB_API_URL: optional(httpUrl, {
    group: "GitHub",
    what: "`https://HOST/api/v3` of a GitHub Enterprise Server",
    needed: "with Enterprise Server",
    unset: "github.com",
  }),
  GITHUB_TIMEOUT_SECONDS: optional(seconds(MAX_CALL_SECONDS), {
    group: "GitHub",
    what: "how long one change there may take, all its calls together, 1 to 120; what died is taken over after twice that",
    unset: "25",
  }),
  SANDBOX: optional(z.enum(["vercel", "local"]), {
    group: "Sandbox",
    what: "where commands of repositories run: `vercel` (a microVM each) or `local`",
    needed: "self-hosted: `local`",
    unset: "`vercel` when deployed, else `local`",
  }),
  SANDBOX_TRUSTED_REPOS: optional(text, {
    group: "Sandbox",
    what: "`owner/name`, comma-separated: whose commands may run also where no sandbox can hold them",
    unset: "none",
  }),
  VERCEL_PROJECT_ID: optional(text, {
    group: "Sandbox",
    what: "for Vercel Sandbox from outside Vercel, with `VERCEL_TOKEN` and `VERCEL_TEAM_ID`; on Vercel its own token is used",
    needed: "with `SANDBOX=vercel` outside Vercel",
  }),
  VERCEL_TOKEN: optional(text, {
    group: "Deploying target apps",
    what: "makes projects and deployments of target apps at Vercel",
    needed: "to deploy target apps",
    secret: true,
  }),
  VERCEL_TEAM_ID: optional(text, {
    group: "Deploying target apps",
    what: "the team they belong to",
    unset: "the token's own account",
  }),
  VERCEL_WEBHOOK_SECRET: optional(z.string().min(16), {
    group: "Deploying target apps",
    what: "signs the webhooks of Vercel, 16 characters or more",
    needed: "for webhooks",
    unset: "deployments are looked at instead",
    secret: true,
  }),
  VERCEL_AUTOMATION_BYPASS_SECRET: optional(text, {
    group: "Deploying target apps",
    what: "lets health checks in where Vercel protects deployments",
    unset: "they are asked without it",
    secret: true,
  }),
  VERCEL_API_URL: optional(httpUrl, {
    group: "Deploying target apps",
    what: "another address of the same API",
    unset: "`https://api.vercel.com`",
  }),
  NEON_API_KEY: optional(text, {
    group: "Deploying target apps",
    what: "makes their databases at Neon",
    needed: "for target apps with a database",
    secret: true,
  }),
  NEON_ORG_ID: optional(text, {
    group: "Deploying target apps",
    what: "the organization that they belong to",
    unset: "the key's own",
  }),
  NEON_API_URL: optional(httpUrl, {
    group: "Deploying target apps",
    what: "another address of the same API",
    unset: "`https://console.neon.tech/api/v2`",
  }),
  UPSTASH_EMAIL: optional(text, {
    group: "Deploying target apps",
    what: "whose account at Upstash the key is of",
    needed: "with `UPSTASH_API_KEY`",
  }),
  UPSTASH_API_KEY: optional(text, {
    group: "Deploying target apps",
    what: "makes their vector indexes and Redis databases at Upstash",
    needed: "for target apps with one",
    secret: true,
  }),
  UPSTASH_API_URL: optional(httpUrl, {
    group: "Deploying target apps",
    what: "another address of the same API",
    unset: "`https://api.upstash.com/v2`",
  }),
  PROVIDER_TIMEOUT_SECONDS: optional(seconds(MAX_CALL_SECONDS), {
    group: "Deploying target apps",
    what: "how long one change at Vercel, Neon or Upstash may take, all its calls together, 1 to 120",
    unset: "25",
  }),
  MODEL: optional(text, {
    group: "Model",
    what: "the language model that writes: `provider/model` at the AI Gateway, or what the server at `MODEL_URL` calls it",
    unset: "sentences of the sources are taken as they are",
  }),
  AI_GATEWAY_API_KEY: optional(text, {
    group: "Model",
    what: "the key of the AI Gateway",
    needed: "with `MODEL`, unless `MODEL_URL`",
    secret: true,
  }),
  MODEL_URL: optional(httpUrl, {
    group: "Model",
    what: "base URL of an OpenAI-compatible server, such as `http://127.0.0.1:11434/v1`",
    unset: "the AI Gateway",
  }),
  MODEL_API_KEY: optional(text, {
    group: "Model",
    what: "its key",
    needed: "when that server wants one",
    secret: true,
  }),
  MODEL_TIMEOUT_SECONDS: optional(seconds(600), {
    group: "Model",
    what: "for one piece of writing, requests and repairs together, 1 to 600; a function on Vercel may run for 300",
    unset: "50",
  }),
  FILE_URL_HOSTS: optional(text, {
    group: "Files",
    what: "hosts that `file.uploaded` may link to, comma-separated; `*.example.com` allows subdomains",
    needed: "for files by link",
    unset: "none",
  }),
  FETCH_ALLOW_LOOPBACK_HTTP: optional(z.enum(["0", "1"]), {
    group: "Files",
    what: "`1` allows links to http on 127.0.0.1, for tests and the demo; refused in production",
  }),
  LEDGER_URL: optional(z.url(), {
    group: "Ledger",
    what: 'the ledger service, the target of runs with `target: "ledger"`',
    needed: "for such runs",
  }),
  LEDGER_TOKEN: optional(text, {
    group: "Ledger",
    what: "what opens it",
    needed: "for such runs",
    secret: true,
  }),
  COUNTERSIGN_URL: optional(z.url(), {
    group: "Command line",
    what: "where the command line finds Countersign",
    unset: "what `npm start` left",
  }),
  COUNTERSIGN_TOKEN: optional(text, {
    group: "Command line",
    what: "as whom it asks",
    unset: "what `npm start` left",
    secret: true,
  }),
  COUNTERSIGN_PROJECT: optional(text, {
    group: "Command line",
    what: "the project that it is about",
    unset: "what `npm start` left",
  }),
  PORT: optional(z.coerce.number().int().min(0).max(65_535), {
    group: "Server and platform",
    what: "where `npm run serve` listens",
    unset: "3210",
  }),
  HOST: optional(text, {
    group: "Server and platform",
    what: "the address that it listens on",
    unset: "`127.0.0.1`",
  }),
  SHUTDOWN_SECONDS: optional(seconds(600), {
    group: "Server and platform",
    what: "how long requests that are under way get when it is told to stop, 1 to 600",
    unset: "30",
  }),
  NODE_ENV: optional(text, {
    group: "Server and platform",
    what: "`production` refuses what only a laptop may do",
    needed: "self-hosted: `production`",
  }),
  VERCEL_ENV: optional(text, {
    group: "Server and platform",
    what: "set by Vercel to `production`, `preview` or `development`",
  }),
  PATH: optional(text, {
    group: "Server and platform",
    what: "where programs are that we run, such as git: all that they get of this environment",
    needed: "always",
  }),
});

/** A variable of the environment, described. */
export interface Variable extends About {
  readonly name: keyof Env;
}

/** Every variable that is read, in the order of the tables. */
export function variables(): readonly Variable[] {
  const names = Object.keys(schema.shape) as (keyof Env)[];
  return names.flatMap((name) => {
    const about = descriptions.get(schema.shape[name]);
    return about ? [{ name, ...about }] : [];
  });
}

export type Env = z.infer<typeof schema>;

/**
 * The environment, checked when it is asked for, so that importing a module needs no configuration.
 * Throws InvalidInput that names every malformed variable (never its value).
 */
export const env = oncePerTurn((): Env => {
  const result = schema.safeParse(process.env);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
  throw new InvalidInput("environment", `The environment is not right. ${problems.join("; ")}`);
});

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

const DEV_SERVER = "http://127.0.0.1:8288";

/** Base URL of the Inngest dev server; null in production. As the SDK reads INNGEST_DEV. */
export function devServer({ INNGEST_DEV }: Pick<Env, "INNGEST_DEV">): string | null {
  if (INNGEST_DEV === undefined || /^(0|false)$/i.test(INNGEST_DEV)) return null;
  return URL.canParse(INNGEST_DEV) ? INNGEST_DEV : DEV_SERVER;
}

/** Names that end so hold keys, ours and those of SDKs: INNGEST_EVENT_KEY, INNGEST_SIGNING_KEY_FALLBACK, NEON_API_KEY. */
const KEY_NAME = /(?<!PUBLIC)_KEY(?:_(?:FALLBACK|OLD|NEW|[0-9]+))?$/;

/**
 * What must never be written anywhere: the value of each variable whose name says that it is a secret (password, secret,
 * token, credential, ..._KEY), and every value that is a URL with a password, with that password as it is and decoded.
 * That takes in all secrets of ours (DATABASE_URL, UPSTASH_VECTOR_REST_TOKEN, BLOB_READ_WRITE_TOKEN, LOCAL_AUTH_SECRET,
 * AUDIT_SIGNING_KEY, INNGEST_EVENT_KEY, INNGEST_SIGNING_KEY) and those of tools that share the process.
 */
export const secretValues = oncePerTurn((): readonly string[] => {
  return Object.entries(process.env).flatMap(([name, value]) => {
    if (!value) return [];
    if (value.includes("@") && URL.canParse(value)) return [value, ...passwords(value)];
    return isSecretVariable(name) ? [value] : [];
  });
});

/**
 * `read`, whose answer is kept until this turn of the event loop is over: reading a variable is a call of the system, and
 * a turn may check hundreds of values. Nobody changes the environment in the middle of one; in the next one it is read anew.
 */
function oncePerTurn<T>(read: () => T): () => T {
  let kept: { value: T } | undefined;
  return () => {
    if (kept) return kept.value;
    kept = { value: read() };
    later(() => {
      kept = undefined;
    }).unref();
    return kept.value;
  };
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
