import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type PartProcess, startPartProcess } from "#local/process.ts";
import type { TestServer } from "../../setup/sql.ts";
import type { repositoryTarget } from "./repository.ts";
import { startRouter } from "./router.ts";
import { controls, type Target } from "./target.ts";

/** Enough for the calls of one effect on a busy machine; the first loads a client. */
const TIMEOUT_SECONDS = 5;
const main = (part: string) =>
  fileURLToPath(new URL(`../../../local/${part}/main.ts`, import.meta.url));

/** Who speaks to a provider as whoever tests against it. */
type Control = ReturnType<typeof controls>;

/**
 * What `PUT /_builds` is told for each run, so that its first look at a build always comes before the end of it, and the second after:
 * otherwise a run has one wait more or less, by who is faster.
 */
export const BUILD = { fault: "hang", ms: 1000, times: 1 } as const;

/** A local Vercel, Neon API and Upstash API behind one address: what several targets have in common. */
export interface Providers
  extends Pick<Target, "url" | "timeoutMs" | "env" | "label" | "strike" | "close"> {
  readonly control: Readonly<Record<"vercel" | "neon" | "upstash", Control>>;
}

/** Starts them. Vercel builds from the GitHub of {@link repositoryTarget}; Neon's databases are in `server`. */
export async function startProviders(
  dir: string,
  { server, repository }: { server: TestServer; repository: Repository },
): Promise<Providers> {
  const opened: { close(): Promise<void> }[] = [];
  const open = async <T extends { close(): Promise<void> }>(starting: Promise<T>): Promise<T> => {
    const part = await starting;
    opened.unshift(part);
    return part;
  };
  const start = (part: string, env: Record<string, string>, args: string[] = []) =>
    open<PartProcess>(startPartProcess(main(part), { dir: join(dir, part), args, env }));
  const vector = await start("upstash-vector", {});
  const [vercel, neon, upstash] = await Promise.all([
    start("vercel", { ...repository.own }, ["--github-url", repository.url]),
    start("neon-api", { DATABASE_URL: server.url, NEON_WS_PROXY: server.wsProxy }),
    start("upstash-api", { ...vector.env }),
  ]);
  const router = await open(
    startRouter({ vercel: vercel.url, neon: neon.url, upstash: upstash.url }),
  );
  const { VERCEL_TOKEN = "" } = vercel.env;
  const { NEON_API_KEY = "" } = neon.env;
  const { UPSTASH_EMAIL = "", UPSTASH_API_KEY = "" } = upstash.env;
  const basic = Buffer.from(`${UPSTASH_EMAIL}:${UPSTASH_API_KEY}`).toString("base64");
  const control = {
    vercel: controls(vercel.url, `Bearer ${VERCEL_TOKEN}`),
    neon: controls(neon.url, `Bearer ${NEON_API_KEY}`),
    upstash: controls(upstash.url, `Basic ${basic}`),
  };
  return {
    control,
    url: router.url,
    timeoutMs: TIMEOUT_SECONDS * 1000,
    env: (gateUrl) => ({
      VERCEL_API_URL: `${gateUrl}/vercel`,
      VERCEL_TOKEN,
      NEON_API_URL: `${gateUrl}/neon/api/v2`,
      NEON_API_KEY,
      UPSTASH_API_URL: `${gateUrl}/upstash/v2`,
      UPSTASH_EMAIL,
      UPSTASH_API_KEY,
      PROVIDER_TIMEOUT_SECONDS: String(TIMEOUT_SECONDS),
    }),
    label({ method, path }) {
      if (method === "GET") return undefined;
      const [, service, , ...rest] = (path.split("?")[0] ?? "").split("/");
      const words = rest.filter((word) => /^[a-z]+$/.test(word) && word !== "api" && word !== "v");
      return `call: ${method} ${service} ${words.join("/")}`;
    },
    async strike(_, { struck, provider }, { fault, times, ms }) {
      const at = control[provider ?? "vercel"];
      await at("PUT", "/_faults", { ...struck, fault, times, ms });
    },
    async close() {
      for (const part of opened) await part.close();
    },
  };
}

export type Repository = Awaited<ReturnType<typeof repositoryTarget>>;
