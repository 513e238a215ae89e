import { expect, test } from "vitest";
import { effectError } from "../effects/definitions/github.ts";
import { githubError } from "./errors.ts";

/** What the client throws for an answer. */
function answer(status: number, message: string, headers: Record<string, string> = {}) {
  return githubError("do it", Object.assign(new Error(message), { status, response: { headers } }));
}

const SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes.";

test.each([
  ["a header", 403, "slow down", { "retry-after": "7" }, 7_000],
  ["a header beyond reason", 429, "slow down", { "retry-after": "999999" }, 3_600_000],
  ["the primary limit", 403, "no more", { "x-ratelimit-remaining": "0" }, 1_000],
  ["the secondary limit, in words alone", 403, SECONDARY, {}, 60_000],
  ["a status alone", 429, "slow down", {}, 60_000],
])("GitHub asks to wait by %s", (_, status, message, headers, afterMs) => {
  expect(answer(status, message, headers)).toMatchObject({ code: "github_rate_limited", afterMs });
});

test("what is not allowed at all is refused, and not waited for", () => {
  const refused = answer(403, "Resource not accessible by personal access token");
  expect(refused).toMatchObject({ code: "github_refused", retry: false });
});

test.each([
  [405, "Base branch was modified. Review and try the merge again.", "EffectMoved", "base_moved"],
  [
    409,
    "Head branch was modified. Review and try the merge again.",
    "EffectMoved",
    "github_conflict",
  ],
  // What GitHub says also of a repository that our token does not reach any more.
  [404, "Not Found", "EffectRefused", "github_not_found"],
  [405, 'Required status check "ci" is expected.', "EffectDeferred", "effect_deferred"],
  [405, "2 of 3 required status checks are pending.", "EffectDeferred", "effect_deferred"],
  [405, 'Required status check "ci" is failing.', "EffectRefused", "github_refused"],
  [405, "Merge commits are not allowed on this repository.", "EffectRefused", "github_refused"],
])("an effect is told by %i %s", (status, message, name, code) => {
  expect(effectError(answer(status, message))).toMatchObject({ name, code });
});
