import { eventType } from "inngest";
import * as z from "zod";
import { commitSha, id, name } from "./fields.ts";

/** A target repository belongs to the project from now on. */
export const repoConnected = eventType("repo.connected", {
  schema: z.strictObject({ projectId: id, owner: name, name }),
});

/** A ref moved: the code index follows. */
export const repoPushed = eventType("repo.pushed", {
  schema: z.strictObject({ projectId: id, repoId: id, ref: name, commitSha }),
});

/** Something that says whether a commit is good may have changed: a check, a status, or the pull request it heads. */
export const repoChecked = eventType("repo.checked", {
  schema: z.strictObject({ projectId: id, repoId: id, commitSha }),
});
