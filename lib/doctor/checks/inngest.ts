import * as z from "zod";
import { devServer, type Env, isDeployed } from "../../env.ts";
import { ask, below, get } from "../ask.ts";
import { type Check, CheckFailed, type Finding, missing, ok } from "../check.ts";

const CLOUD = "https://api.inngest.com";
/** With the name of its environment before it, as the dashboard shows it, or bare, as a self-hosted server is given it. */
const SIGNING_KEY = /^(signkey-\w+-)?([0-9a-f]{2})+$/i;
const EVENT_KEY = /^[\w-]{8,}$/;

export const inngest: Check = {
  name: "Inngest",
  remedy: "See that the server runs where INNGEST_DEV or INNGEST_BASE_URL say.",
  async run(env, signal) {
    const dev = devServer(env);
    if (dev === null) return await production(env, signal);
    if (isDeployed()) {
      const what =
        "INNGEST_DEV is set in production: whoever reaches the app could call its functions.";
      throw new CheckFailed(
        what,
        "Remove INNGEST_DEV; set INNGEST_EVENT_KEY and INNGEST_SIGNING_KEY.",
      );
    }
    const whom = "The dev server of INNGEST_DEV";
    const { text } = await ask({ whom, url: below(dev, "dev"), signal, refused: this.remedy });
    if (text.includes('"countersign-')) return ok("a dev server, which knows the app's functions");
    const remedy = "Start the app, and register it: curl -X PUT <the app>/api/inngest";
    throw new CheckFailed("The dev server answers, and does not know the app.", remedy);
  },
};

async function production(env: Env, signal: AbortSignal): Promise<Finding> {
  const wrong = [
    keyProblem("INNGEST_EVENT_KEY", env.INNGEST_EVENT_KEY, EVENT_KEY),
    keyProblem("INNGEST_SIGNING_KEY", env.INNGEST_SIGNING_KEY, SIGNING_KEY),
  ].filter((problem) => problem !== null);
  if (wrong.length > 0) {
    const remedy =
      "Copy both from Inngest's dashboard, or those that a self-hosted server was started with; on a laptop set INNGEST_DEV.";
    throw new CheckFailed(wrong.join(" "), remedy);
  }
  const base = env.INNGEST_BASE_URL ?? CLOUD;
  if (!URL.canParse(base)) {
    throw new CheckFailed("INNGEST_BASE_URL is not a URL.", "Begin it with http:// or https://.");
  }
  // Which requests of its API take a signing key is not for us to say: that it answers at all is what can be known.
  await fetch(base, { signal, redirect: "manual" }).then(
    (response) => response.body?.cancel(),
    (error) => {
      throw new CheckFailed("Inngest did not answer.", undefined, error);
    },
  );
  return ok(
    "both keys have the right form and the server answers; whether it takes them, the first event shows",
  );
}

function keyProblem(name: string, value: string | undefined, form: RegExp): string | null {
  if (value === undefined) return `${name} is not set.`;
  return form.test(value) ? null : `${name} does not have the form of such a key.`;
}

const introspection = z.looseObject({ function_count: z.int(), mode: z.literal("dev") });
const LOOPBACK = /^(localhost|127\..*|\[::1\])$/;

/** The app as it runs, which may be elsewhere: whether it is whole, and whom its entry for Inngest believes. */
export const app: Check = {
  name: "the app",
  remedy: "See that the app runs at COUNTERSIGN_URL; its log says what is wrong.",
  async run({ COUNTERSIGN_URL: base }, signal) {
    if (base === undefined) {
      return missing(
        "whether the app answers is not known",
        "Set COUNTERSIGN_URL to where it runs.",
      );
    }
    const whom = "The app";
    const refused = "Let Inngest pass, for example by a bypass of Vercel's deployment protection.";
    await ask({ whom, url: new URL("/api/health", base), signal, refused });
    const url = new URL("/api/inngest", base);
    const { status, text } = await get({ whom, url, signal });
    // In production the SDK says nothing to whoever does not sign.
    if (status === 401) return ok("healthy, and takes signed calls alone");
    const { success, data } = introspection.safeParse(parsed(text));
    if (!success) {
      const remedy = "Set INNGEST_SIGNING_KEY where the app runs, and start it again.";
      throw new CheckFailed(`The app's entry for Inngest answered ${status}.`, remedy);
    }
    if (!LOOPBACK.test(url.hostname)) {
      const remedy = "Remove INNGEST_DEV where it runs, and set INNGEST_SIGNING_KEY.";
      throw new CheckFailed("The app takes calls that nobody has signed.", remedy);
    }
    return ok(`healthy, serves ${data.function_count} functions to a dev server`);
  },
};

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON, so nothing that the SDK says: the status has to do.
    return undefined;
  }
}
