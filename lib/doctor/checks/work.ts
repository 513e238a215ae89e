import * as z from "zod";
import { isDeployed } from "../../env.ts";
import { Conflict } from "../../errors.ts";
import { modelTarget } from "../../model/target.ts";
import { sandboxProvider } from "../../sandbox/provider.ts";
import { askJson, below } from "../ask.ts";
import { type Check, CheckFailed, type Finding, missing, ok } from "../check.ts";

export const sandbox: Check = {
  name: "sandbox",
  remedy:
    "Install bubblewrap (apt-get install bubblewrap) and see that user namespaces are allowed.",
  async run(env) {
    const where = env.SANDBOX ?? (isDeployed() ? "vercel" : "local");
    if (where === "local") return await local(this.remedy);
    // Starting a microVM is billed, so it is not tried.
    if (env.VERCEL_ENV !== undefined && env.VERCEL_TOKEN === undefined) {
      return ok("Vercel Sandbox with the platform's own token; none was started");
    }
    const names = ["VERCEL_TOKEN", "VERCEL_TEAM_ID", "VERCEL_PROJECT_ID"] as const;
    const lacks = names.filter((name) => env[name] === undefined);
    if (lacks.length === 0) return ok("Vercel Sandbox with VERCEL_TOKEN; none was started");
    const remedy = "Set all three, or SANDBOX=local where bubblewrap is.";
    throw new CheckFailed(`Vercel Sandbox outside Vercel needs ${lacks.join(", ")}.`, remedy);
  },
};

/** Opens one for a repository that is not trusted, which only a machine that can hold it does. */
async function local(remedy: string): Promise<Finding> {
  const provider = sandboxProvider();
  const name = `doctor-${process.pid}`;
  try {
    const { isolation } = await provider.open({ name, files: none, trusted: false });
    return ok(`local: ${isolation}`);
  } catch (error) {
    if (!(error instanceof Conflict) || error.code !== "sandbox_not_isolated") throw error;
    return missing(
      "only commands of repositories in SANDBOX_TRUSTED_REPOS run, not isolated",
      remedy,
    );
  } finally {
    await provider.stop(name);
  }
}

async function* none() {}

const models = z.looseObject({ data: z.array(z.looseObject({ id: z.string() })) });

export const model: Check = {
  name: "model",
  remedy: "See that the server of MODEL_URL runs, or that the AI Gateway can be reached.",
  async run(_env, signal) {
    const target = modelTarget();
    if (target === null) {
      const loses = "texts are made of sentences of the sources; no model writes or changes code";
      return missing(loses, "Set MODEL, with AI_GATEWAY_API_KEY or MODEL_URL.");
    }
    const { url, apiKey } = target;
    const { body } = await askJson({
      whom: "The model's server",
      url: below(url, "models"),
      headers: apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` },
      signal,
      refused: "Check MODEL_API_KEY, or AI_GATEWAY_API_KEY when MODEL_URL is not set.",
    });
    const { success, data } = models.safeParse(body);
    if (!success)
      throw new CheckFailed("What answers does not list its models as OpenAI's API does.");
    if (data.data.some(({ id }) => id === target.model))
      return ok("the server lists MODEL; nothing was asked of it");
    throw new CheckFailed(
      "The server does not list MODEL.",
      "Name a model of its list (GET /models).",
    );
  },
};
