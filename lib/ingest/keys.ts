import { checkKey, projectPrefix } from "../blob/port.ts";

/**
 * Below this prefix lies everything of one file. By file id and not by content: two files never share a blob, so removing
 * one cannot take the bytes from under another that was uploaded at the same moment.
 */
export function filePrefix(projectId: string, fileId: string): string {
  return checkKey(`${projectPrefix(projectId)}/files/${fileId}`);
}

/** The bytes of an upload as they came. */
export function sourceKey(projectId: string, fileId: string): string {
  return `${filePrefix(projectId, fileId)}/source`;
}

/** Bytes that a link led to: it may lead to others when it is fetched again, or by another at the same time. */
export function linkKey(projectId: string, fileId: string, sha256: string): string {
  return `${filePrefix(projectId, fileId)}/source-${sha256}`;
}

/** The extracted pages as JSON: too large to pass from step to step. */
export function extractedKey(projectId: string, fileId: string, extractionVersion: number): string {
  return `${filePrefix(projectId, fileId)}/extracted-v${extractionVersion}.json`;
}
