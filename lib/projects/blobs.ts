import { blobStore } from "../blob/blob.ts";
import { putJson } from "../blob/json.ts";
import { projectExists } from "../data/projects.server.ts";
import { NotFound } from "../errors.ts";

/**
 * Stores a JSON value of a project under `key`, which lies below its prefix. Whoever deletes a project removes its blobs, but
 * not what a step that is under way writes later: that one looks after its write, takes it back and throws NotFound.
 */
export async function putProjectJson(
  projectId: string,
  key: string,
  value: unknown,
): Promise<void> {
  await putJson(key, value);
  if (await projectExists({ id: projectId })) return;
  await blobStore().delete(key);
  throw new NotFound("project_not_found", `The project ${projectId} is gone or being deleted.`);
}
