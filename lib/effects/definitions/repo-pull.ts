import * as z from "zod";
import { errorMessage, Unavailable } from "../../errors.ts";
import { withComment, withoutComment } from "../../github/marker.ts";
import { openPull, pullsOfBranch } from "../../github/pulls.ts";
import { type EffectDefinition, EffectRefused } from "../definition.ts";
import { effectError, GITHUB, inRepository, repositoryOf } from "./github.ts";
import { refusalStatus } from "./provider.ts";

const params = z.strictObject({
  ...inRepository,
  baseBranch: z.string().min(1).max(255),
  title: z.string().min(1).max(256),
  body: z.string().max(60_000),
});

type Pull = z.infer<typeof params>;

/** A pull request for the branch of a run. */
export const repoPull: EffectDefinition<Pull> = {
  ...GITHUB,
  kind: "repo.pull",
  scope: "repo.push",
  params,
  intent: ({ branch, baseBranch, title, body, ...name }) => ({
    ...{ repository: repositoryOf(name), head: branch, base: baseBranch, title, body },
  }),
  summary: ({ branch, baseBranch, title, ...name }) =>
    `Open the pull request "${title}" from ${branch} into ${baseBranch} of ${repositoryOf(name)}.`,

  async find({ marker, params: { owner, repo, branch }, signal }) {
    for (const pull of await pullsOfBranch({ owner, repo }, branch, signal)) {
      const body = withoutComment(pull.body, marker);
      if (body === null) continue;
      const { number, url, headBranch: head, baseBranch: base, title } = pull;
      const repository = repositoryOf({ owner, repo });
      return { id: String(number), url, intent: { repository, head, base, title, body } };
    }
    return null;
  },

  async perform({ marker, params: { owner, repo, branch, baseBranch, title, body }, signal }) {
    const name = { owner, repo };
    const pull = { title, body: withComment(body, marker), head: branch, base: baseBranch };
    try {
      const { number, url } = await openPull(name, pull, signal);
      return { id: String(number), url };
    } catch (error) {
      const exists = refusalStatus(error) === 422 && /already exists/i.test(errorMessage(error));
      if (!exists) throw effectError(error);
      const open = (await pullsOfBranch(name, branch, signal)).filter((one) => one.open);
      const [other] = open.filter((one) => withoutComment(one.body, marker) === null);
      if (other && open.length === 1) {
        const what = `${other.url} was opened for our branch by somebody else: close it.`;
        throw new EffectRefused("pull_taken", what);
      }
      throw new Unavailable("pull_is_there", "The pull request is there: look for it.");
    }
  },
};
