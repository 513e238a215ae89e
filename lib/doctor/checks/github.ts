import * as z from "zod";
import { askJson, below } from "../ask.ts";
import { type Check, CheckFailed, missing, ok } from "../check.ts";

const GITHUB = "https://api.github.com";
const rates = z.looseObject({
  rate: z.looseObject({ limit: z.int(), remaining: z.int() }),
});

/** Asking for the rate limit needs a token that works, takes every kind of token, and does not count. */
export const github: Check = {
  name: "GitHub",
  remedy:
    "Check GITHUB_API_URL: https://HOST/api/v3 for GitHub Enterprise Server, unset for github.com.",
  async run({ GITHUB_API_URL = GITHUB, GITHUB_TOKEN }, signal) {
    if (GITHUB_TOKEN === undefined) {
      const loses = "no repositories: nothing is indexed, no change becomes a pull request";
      return missing(loses, "Set GITHUB_TOKEN; docs/deploy.md says what it must be allowed.");
    }
    const { headers, body } = await askJson({
      whom: "GitHub",
      url: below(GITHUB_API_URL, "rate_limit"),
      headers: {
        authorization: `Bearer ${GITHUB_TOKEN}`,
        accept: "application/vnd.github+json",
        "user-agent": "countersign",
      },
      signal,
      refused: "The token of GITHUB_TOKEN is wrong, expired or not yet approved: make another.",
    });
    const { success, data } = rates.safeParse(body);
    if (!success) throw new CheckFailed("What answers is not GitHub's API.");
    const { remaining, limit } = data.rate;
    return ok(`${allowed(headers.get("x-oauth-scopes"))}; ${remaining} of ${limit} calls left`);
  },
};

/** Only classic tokens have scopes, and say them. */
function allowed(scopes: string | null): string {
  if (scopes === null) {
    return "the token works; a fine-grained one may not read the check runs of private repositories";
  }
  const has = scopes.split(",").map((scope) => scope.trim());
  if (has.includes("repo")) return "a classic token with the scope repo";
  if (has.includes("public_repo")) return "a classic token for public repositories alone";
  const remedy = "Give the classic token the scope repo.";
  throw new CheckFailed("The classic token has no scope for repositories.", remedy);
}

export const githubWebhooks: Check = {
  name: "GitHub webhooks",
  remedy: "",
  async run({ GITHUB_TOKEN, GITHUB_WEBHOOK_SECRET }) {
    if (GITHUB_WEBHOOK_SECRET !== undefined) return ok("GITHUB_WEBHOOK_SECRET is set");
    if (GITHUB_TOKEN === undefined) return missing("no webhooks", "Set up GitHub first.");
    const loses = "pushes and checks are noticed late, by looking";
    return missing(loses, "Set GITHUB_WEBHOOK_SECRET, and the webhook as docs/deploy.md says.");
  },
};
