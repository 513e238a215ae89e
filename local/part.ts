/** One running part of the local cloud. */
export interface LocalPart {
  /** Name for logs: `inngest`, `neon`, `upstash-vector`. */
  readonly name: string;
  /** Base URL on 127.0.0.1 that the SDK is pointed at; for Neon the postgres:// connection string. */
  readonly url: string;
  /** Environment variables that point product code (through its SDKs) at this part. */
  readonly env: Readonly<Record<string, string>>;
  /** Stops serving, flushes state, ends child processes; safe to call twice. */
  close(): Promise<void>;
}

/** How long a part keeps an idle connection. Clients close those, not we: a request that is on its way then would be lost. */
export const KEEP_ALIVE_MS = 5 * 60 * 1000;

/** Where a part keeps its state and listens. */
export interface PartOptions {
  /** Directory that the part owns; created when missing. State survives a restart on the same directory. */
  readonly dir: string;
  /** Port on 127.0.0.1; 0 or absent picks a free one. */
  readonly port?: number;
}
