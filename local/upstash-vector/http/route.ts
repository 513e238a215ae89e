import type { z } from "zod";
import { VectorError } from "../errors.ts";
import type { VectorIndex } from "../index.ts";

/** What a route gets of a request. */
export interface RouteRequest {
  readonly index: VectorIndex;
  /** Namespace of the path; the default one is `""`. */
  readonly namespace: string;
  /** Parsed JSON body; undefined when there was none. */
  readonly body: unknown;
  readonly search: URLSearchParams;
}

/** Answers with the `result` of the envelope; throws a {@link VectorError} for any other status. */
export type Route = (request: RouteRequest) => unknown;

/** The body as the schema says, or a 422 that names the first thing that is wrong. */
export function read<T extends z.ZodType>(schema: T, body: unknown): z.output<T> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue?.path.length ? `${issue.path.join(".")}: ` : "";
  throw new VectorError(422, `${where}${issue?.message ?? "invalid request"}`);
}
