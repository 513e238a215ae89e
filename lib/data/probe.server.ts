import { openPool } from "#db/pool.ts";
import { env } from "../env.ts";
import { Unavailable } from "../errors.ts";
import { redactText } from "../redact.ts";

const QUERY_TIMEOUT_MS = 20_000;

export interface ProbedDatabase {
  readonly database: string;
  readonly serverVersion: string;
}

/**
 * Connects to a database that is not ours, asks it what it is, and closes.
 * @param url a connection string; it is in no error.
 * Throws Unavailable when it cannot be reached, refuses the credentials or is not done when `signal` says so.
 */
export async function probeDatabase(url: string, signal: AbortSignal): Promise<ProbedDatabase> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(new Error("there was no answer in time"));
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  const address = { url, wsProxy: env().NEON_WS_PROXY };
  const pool = openPool(address, { poolSize: 1, queryTimeoutMs: QUERY_TIMEOUT_MS });
  try {
    const asked = pool.query<{ database: string; version: string }>(
      "select current_database() as database, current_setting('server_version') as version",
    );
    const { rows } = await Promise.race([asked, aborted.promise]);
    const [row] = rows;
    if (!row) throw new Error("it answered with nothing");
    return { database: row.database, serverVersion: row.version };
  } catch (error) {
    const said = redactText(withoutUrl(messageOf(error), url)).slice(0, 500);
    throw new Unavailable("database_unreachable", `The database could not be asked: ${said}`);
  } finally {
    signal.removeEventListener("abort", abort);
    // Not waited for: after an abort it waits for the query, whose own limit ends it.
    pool.end().catch((error: unknown) => {
      console.warn(`a probed database was not left in order: ${redactText(messageOf(error))}`);
    });
  }
}

/** What the driver rejects with when its WebSocket fails is an event. */
function messageOf(error: unknown): string {
  if (typeof error !== "object" || error === null) return String(error);
  const said = "message" in error && typeof error.message === "string" ? error.message : "";
  return said || "the connection broke";
}

function withoutUrl(text: string, url: string): string {
  const { password } = new URL(url);
  const hidden = text.replaceAll(url, "[redacted:url]");
  return password === "" ? hidden : hidden.replaceAll(password, "[redacted:password]");
}
