import * as z from "zod";
import { type Env, isDeployed } from "../../env.ts";
import { ask, askJson, below } from "../ask.ts";
import { type Check, CheckFailed, type Finding, missing, ok } from "../check.ts";

const CLOUD = "https://api.inngest.com";
const DEV_SERVER = "http://127.0.0.1:8288";
/** With the name of its environment before it, as the dashboard shows it, or bare, as a self-hosted server is given it. */
const SIGNING_KEY = /^(signkey-\w+-)?([0-9a-f]{2})+$/i;
const EVENT_KEY = /^[\w-]{8,}$/;

/** Base URL of the dev server; null in production. As the SDK reads INNGEST_DEV. */
function devServer({ INNGEST_DEV }: Env): string | null {
  if (INNGEST_DEV === undefined || /^(0|false)$/i.test(INNGEST_DEV)) return null;
  return URL.canParse(INNGEST_DEV) ? INNGEST_DEV : DEV_SERVER;
}

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

const introspection = z.looseObject({
  function_count: z.int(),
  has_event_key: z.boolean().optional(),
  has_signing_key: z.boolean().optional(),
  mode: z.string().optional(),
});

/** The app as it runs, which may be elsewhere: what its own entry for Inngest says of it. */
export const app: Check = {
  name: "the app",
  remedy: "See that the app runs at COUNTERSIGN_URL, and that Inngest may reach it there.",
  async run(env, signal) {
    if (env.COUNTERSIGN_URL === undefined) {
      return missing(
        "whether the app answers is not known",
        "Set COUNTERSIGN_URL to where it runs.",
      );
    }
    const url = new URL("/api/inngest", env.COUNTERSIGN_URL);
    const refused = "Let Inngest pass, for example by a bypass of Vercel's deployment protection.";
    const { body } = await askJson({ whom: "The app", url, signal, refused });
    const { success, data } = introspection.safeParse(body);
    if (!success) throw new CheckFailed("What answers at COUNTERSIGN_URL is not Countersign.");
    if (data.mode === "cloud" && data.has_signing_key === false) {
      const remedy = "Set INNGEST_SIGNING_KEY where the app runs, and start it again.";
      throw new CheckFailed("The app runs without a signing key, so it takes no calls.", remedy);
    }
    const mode = data.mode === undefined ? "" : ` in ${data.mode} mode`;
    return ok(`serves ${data.function_count} functions${mode}; syncing them is Inngest's to show`);
  },
};
