import { z } from "zod";

const schema = z.object({
  DATABASE_URL: z.string().regex(/^postgres(ql)?:\/\//, "must be a postgres:// URL"),
  /** host:port/path of the local WebSocket relay; absent in production, where Neon has its own. */
  NEON_WS_PROXY: z.string().optional(),

  /** Directory for blobs on this machine; or the token of a Vercel Blob store, which wins. */
  BLOB_DIR: z.string().min(1).optional(),
  BLOB_READ_WRITE_TOKEN: z.string().min(1).optional(),

  /** Where Neon Auth publishes its keys; then only its tokens are accepted. */
  NEON_AUTH_JWKS_URL: z.url({ protocol: /^https?$/ }).optional(),
  NEON_AUTH_ISSUER: z.string().min(1).optional(),
  NEON_AUTH_AUDIENCE: z.string().min(1).optional(),
  /** Signs and checks tokens where there is no Neon Auth; never used when deployed. */
  LOCAL_AUTH_SECRET: z.string().min(32, "must have at least 32 characters").optional(),

  /** Hosts that files may be fetched from: `files.example.com,*.example.org`. Empty: none. */
  FILE_URL_HOSTS: z.string().default(""),
  /** `1` lets files be fetched by http from this very machine, for tests and the demo; refused when deployed. */
  FETCH_ALLOW_LOOPBACK_HTTP: z.enum(["0", "1"]).default("0"),

  /** Set by Vercel wherever it runs our code. */
  VERCEL: z.string().optional(),
  NODE_ENV: z.string().optional(),
});

export type Env = z.infer<typeof schema>;

let parsed: Env | undefined;

/**
 * The environment, checked when it is first needed: a part that uses no database can run without one.
 * Throws with the names of what is missing or wrong, never with values, because values are secrets.
 */
export function env(): Env {
  if (parsed) return parsed;
  const result = schema.safeParse(process.env);
  if (!result.success) {
    const issues = result.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
    throw new Error(`The environment is not complete: ${issues.join("; ")}`);
  }
  parsed = result.data;
  return parsed;
}

/** Whether this is a deployment rather than a laptop or a test: shortcuts for those are then refused. */
export function isDeployed({ VERCEL, NODE_ENV }: Env = env()): boolean {
  return VERCEL !== undefined || NODE_ENV === "production";
}

/** Forgets what was read, for tests that change process.env. */
export function resetEnv(): void {
  parsed = undefined;
}
