import type { Octokit } from "@octokit/rest";
import { env, requiredEnv } from "../env.ts";
import { githubError } from "./errors.ts";

/**
 * Asks GitHub, as whom GITHUB_TOKEN says. The client is loaded by the first call. Nothing is repeated here: Inngest repeats
 * a step, and the effect ledger decides whether a change may be sent again.
 * Throws what {@link githubError} makes of a failure.
 * @param what for the message of an error: `read the repository acme/shop`.
 */
export async function github<T>(what: string, call: (octokit: Octokit) => Promise<T>): Promise<T> {
  const octokit = await connect();
  try {
    return await call(octokit);
  } catch (error) {
    throw githubError(what, error);
  }
}

async function connect(): Promise<Octokit> {
  const { Octokit } = await import("@octokit/rest");
  const { GITHUB_API_URL } = env();
  const octokit = new Octokit({
    auth: requiredEnv("GITHUB_TOKEN"),
    userAgent: "countersign",
    ...(GITHUB_API_URL !== undefined && { baseUrl: GITHUB_API_URL }),
    // Its warnings repeat what the thrown error says.
    log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
  });
  // The client takes an answer that broke off, or is no JSON, for one that holds a text.
  octokit.hook.after("request", ({ status, data }) => {
    if (typeof data === "string" && !NO_CONTENT.includes(status)) {
      throw new Error("the answer is not whole, or no JSON");
    }
  });
  return octokit;
}

const NO_CONTENT: readonly number[] = [204, 205];

function ignore(): void {}
