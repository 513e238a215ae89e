import { createProjectFromEvent } from "./create-project.ts";
import { deleteProjectData } from "./delete-project.ts";
import { ingestFile } from "./ingest-file.ts";
import { removeFile } from "./remove-file.ts";
import { sweepFiles } from "./sweep-files.ts";
import { sweepProjects } from "./sweep-projects.ts";

/** Every function that Inngest may call. */
export const functions = [
  ingestFile,
  removeFile,
  sweepFiles,
  sweepProjects,
  createProjectFromEvent,
  deleteProjectData,
];
