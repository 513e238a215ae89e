import { generateKeyPairSync } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { migrate } from "../db/migrate.ts";
import type { DatabaseAddress } from "../db/pool.ts";
import { freePort } from "./free-port.ts";
import { type PartProcess, startPartProcess } from "./process.ts";
import { keptSecret } from "./secret.ts";

const entry = (part: string) => new URL(`./${part}/main.ts`, import.meta.url).pathname;

/** What points clients at an index of a local Upstash Vector; and at its server, whose token may make more of them. */
export interface VectorAddress {
  readonly index: Readonly<Record<string, string>>;
  readonly server: Readonly<Record<string, string>>;
}

export interface CloudOptions {
  /** Where all state lives; the same directory again continues where it stopped. */
  readonly dir: string;
  /** Ports on 127.0.0.1; what is left out gets a free one. */
  readonly ports?: Partial<
    Record<
      | ("app" | "inngest" | "neon" | "vector" | "ledger" | "github")
      | ("vercel" | "neonApi" | "upstashApi"),
      number
    >
  >;
  /** Run the bundle in this directory instead of the sources. */
  readonly bundle?: string;
  /** Another Inngest server: ours is then not started. */
  readonly inngestDev?: string;
  /** A migrated database that is there already: none is started then. */
  readonly database?: DatabaseAddress;
  /** An index of a local Upstash Vector that is there already: none is started then. */
  readonly vectors?: VectorAddress;
  /** Also what target apps are deployed to: Vercel, and the APIs that make databases and indexes. */
  readonly targets?: boolean;
  /** false: data survives the death of any process, but not of the machine; for tests, which need not wait for the disk. */
  readonly durable?: boolean;
  /** More environment for the app. */
  readonly env?: Readonly<Record<string, string>>;
  /** Told what comes up, for people who wait. */
  readonly onProgress?: (line: string) => void;
  /** Gets what the parts and the app print; absent: it goes where ours goes. */
  readonly onLine?: (line: string) => void;
}

export interface Cloud {
  readonly appUrl: string;
  readonly inngestUrl: string;
  readonly databaseUrl: string;
  /** What the app runs with; enough to run any of our code against this cloud. */
  readonly env: Readonly<Record<string, string>>;
  readonly parts: {
    app: PartProcess;
    vector?: PartProcess;
    neon?: PartProcess;
    ledger: PartProcess;
    github: PartProcess;
    vercel?: PartProcess;
    neonApi?: PartProcess;
    upstashApi?: PartProcess;
    inngest?: PartProcess;
  };
  /**
   * Kills the part like a power cut and starts it again with the same state and port.
   * @param options.clockAheadMs by how much its clock is then ahead of ours; absent: as it was.
   */
  restart(part: "app" | "inngest", options?: { clockAheadMs?: number }): Promise<void>;
  close(): Promise<void>;
}

/**
 * Brings the local cloud and the app up, each part in a process of its own, and returns when all answer.
 * When one fails to start, the others are stopped and the error is thrown.
 */
export async function startCloud(options: CloudOptions): Promise<Cloud> {
  const { dir, ports = {}, durable = true, onProgress = () => {} } = options;
  await mkdir(dir, { recursive: true });
  const started: PartProcess[] = [];
  const start = async (name: string, part: Parameters<typeof startPartProcess>[1]) => {
    const began = performance.now();
    const process = await startPartProcess(entry(name), { onLine: options.onLine, ...part });
    started.push(process);
    onProgress(
      `${process.name} is up at ${process.url} (${Math.round(performance.now() - began)} ms)`,
    );
    return process;
  };
  const close = async () => {
    // Callers before callees, so that nobody logs the absence of a part that is only closing.
    for (const process of started.reverse().splice(0)) await process.close();
  };
  try {
    const appPort = ports.app || (await freePort());
    const inngestPort = ports.inngest || (await freePort());
    const appUrl = `http://127.0.0.1:${appPort}`;
    const startNeon = async () => {
      if (options.database) return undefined;
      const args = durable ? [] : ["--not-durable"];
      return await start("neon", { dir: join(dir, "neon"), port: ports.neon, args });
    };
    const startVectors = async () => {
      if (options.vectors) return undefined;
      return await start("upstash-vector", {
        dir: join(dir, "upstash-vector"),
        port: ports.vector,
      });
    };
    const starting = [
      startNeon(),
      startVectors(),
      start("ledger", { dir: join(dir, "ledger"), port: ports.ledger }),
      start("github", {
        dir: join(dir, "github"),
        port: ports.github,
        args: ["--webhook-url", `${appUrl}/api/webhooks/github`],
      }),
    ] as const;
    // When one fails, the others are waited for first: what has not started yet could not be closed.
    await Promise.allSettled(starting);
    const [neon, vector, ledger, github] = await Promise.all(starting);
    const address = options.database ?? (await migrated(neon));
    const vectors = options.vectors ?? wholeServer(vector);
    const { vercel, neonApi, upstashApi } = options.targets
      ? await startTargets({
          dir,
          ports,
          appUrl,
          address,
          vectors,
          github,
          start,
          env: options.env,
        })
      : {};
    const temporary = join(dir, "tmp");
    await rm(temporary, { recursive: true, force: true });
    await mkdir(temporary);
    const inngestUrl = options.inngestDev ?? `http://127.0.0.1:${inngestPort}`;
    const env = {
      DATABASE_URL: address.url,
      ...(address.wsProxy !== undefined && { NEON_WS_PROXY: address.wsProxy }),
      ...vectors.index,
      ...ledger.env,
      ...github.env,
      ...vercel?.env,
      ...neonApi?.env,
      ...upstashApi?.env,
      INNGEST_DEV: inngestUrl,
      BLOB_DIR: join(dir, "blobs"),
      // What a killed app leaves in its temporary directory goes at the next start.
      TMPDIR: temporary,
      LOCAL_AUTH_SECRET: await keptSecret(join(dir, "auth-secret")),
      APPROVAL_EDGE_SECRET: await keptSecret(join(dir, "approval-edge-secret")),
      AUDIT_SIGNING_KEY: await keptSecret(join(dir, "audit-signing-key"), signingKey),
      ...options.env,
    };
    const clocks = { app: 0, inngest: 0 };
    const startApp = () =>
      start("app", {
        dir,
        port: appPort,
        env,
        clockAheadMs: clocks.app,
        args: options.bundle ? ["--bundle", options.bundle] : [],
      });
    const startInngest = () =>
      start("inngest", {
        dir: join(dir, "inngest"),
        port: inngestPort,
        clockAheadMs: clocks.inngest,
        args: ["--app", `${appUrl}/api/inngest`],
      });
    const parts: Cloud["parts"] = {
      neon,
      vector,
      ledger,
      github,
      vercel,
      neonApi,
      upstashApi,
      app: await startApp(),
      inngest: options.inngestDev ? undefined : await startInngest(),
    };
    await registered(appUrl, inngestUrl);
    return {
      appUrl,
      inngestUrl,
      databaseUrl: address.url,
      env,
      parts,
      close,
      async restart(part, { clockAheadMs = clocks[part] } = {}) {
        clocks[part] = clockAheadMs;
        await parts[part]?.kill();
        if (part === "app") parts.app = await startApp();
        else parts.inngest = await startInngest();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

type Start = (name: string, part: Parameters<typeof startPartProcess>[1]) => Promise<PartProcess>;

/** Starts what target apps are deployed to. Secrets go by the environment: everybody sees a command line. */
async function startTargets({
  dir,
  ports,
  appUrl,
  address,
  vectors,
  github,
  start,
  env,
}: {
  dir: string;
  ports: NonNullable<CloudOptions["ports"]>;
  appUrl: string;
  address: DatabaseAddress;
  vectors: VectorAddress;
  github: PartProcess;
  start: Start;
  env: CloudOptions["env"];
}): Promise<Pick<Cloud["parts"], "vercel" | "neonApi" | "upstashApi">> {
  const starting = [
    start("vercel", {
      dir: join(dir, "vercel"),
      port: ports.vercel,
      args: ["--github-url", github.url, "--webhook-url", `${appUrl}/api/webhooks/vercel`],
      // Its builds trust what ours do.
      env: { ...github.env, SANDBOX_TRUSTED_REPOS: env?.SANDBOX_TRUSTED_REPOS ?? "" },
    }),
    start("neon-api", {
      dir: join(dir, "neon-api"),
      port: ports.neonApi,
      env: { DATABASE_URL: address.url, NEON_WS_PROXY: address.wsProxy ?? "" },
    }),
    start("upstash-api", {
      dir: join(dir, "upstash-api"),
      port: ports.upstashApi,
      env: vectors.server,
    }),
  ] as const;
  // As above: what has not started yet could not be closed.
  await Promise.allSettled(starting);
  const [vercel, neonApi, upstashApi] = await Promise.all(starting);
  return { vercel, neonApi, upstashApi };
}

/** Brings a database that was just started to the newest schema. */
async function migrated(neon: PartProcess | undefined): Promise<DatabaseAddress> {
  if (!neon) throw new Error("no database was started");
  const address = { url: neon.url, wsProxy: neon.env.NEON_WS_PROXY };
  await migrate(address);
  return address;
}

/** A server's first index: its token is the server's. */
function wholeServer(vector: PartProcess | undefined): VectorAddress {
  if (!vector) throw new Error("no vector server was started");
  return { index: vector.env, server: vector.env };
}

/** Tells the Inngest server what the app serves: a PUT makes the app register itself, with any server. */
async function registered(appUrl: string, inngestUrl: string): Promise<void> {
  const response = await fetch(`${appUrl}/api/inngest`, { method: "PUT" });
  if (!response.ok) {
    throw new Error(
      `The app could not register at ${inngestUrl}: ${response.status} ${await response.text()}`,
    );
  }
}

/** An Ed25519 key as PKCS#8 DER in base64. */
function signingKey(): string {
  const { privateKey } = generateKeyPairSync("ed25519");
  return privateKey.export({ format: "der", type: "pkcs8" }).toString("base64");
}
