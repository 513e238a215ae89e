/**
 * Every error we throw on purpose says whether doing the same again can help. `functions/` turns `retry: false`
 * into Inngest's NonRetriableError in one place, and `api/` turns `status` into a problem document.
 */
export abstract class CountersignError extends Error {
  /** Written out, because the bundle that is deployed shortens the names of classes. */
  abstract override readonly name: string;
  /** Whether the same call may succeed later without anybody changing anything. */
  abstract readonly retry: boolean;
  /** HTTP status that the edge answers with. */
  abstract readonly status: number;
  /** Short stable name for programs, such as `file_too_large`. */
  readonly code: string;
  /** What a person needs to find the cause: ids and sizes, never secrets or contents. */
  readonly context: Readonly<Record<string, unknown>>;

  constructor(
    code: string,
    message: string,
    context: Record<string, unknown> = {},
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.context = context;
  }
}

/** The caller sent something that can never work as it is. The message says what to change. */
export class InvalidInput extends CountersignError {
  override readonly name = "InvalidInput";
  readonly retry = false;
  readonly status = 422;
}

/** Not there, or not yours: the two must look the same from outside. */
export class NotFound extends CountersignError {
  override readonly name = "NotFound";
  readonly retry = false;
  readonly status = 404;
}

/** The state of the thing does not allow this now. */
export class Conflict extends CountersignError {
  override readonly name = "Conflict";
  readonly retry = false;
  readonly status = 409;
}

/** No valid credential came with the request. */
export class Unauthorized extends CountersignError {
  override readonly name = "Unauthorized";
  readonly retry = false;
  readonly status = 401;
}

/** Why a document can never be ingested as it is. Each ends as a `file.rejected` event with this code. */
export type RefusalCode =
  | "unsupported"
  | "too_large"
  | "empty"
  | "encrypted"
  | "corrupt"
  | "needs_ocr"
  | "expands_too_much"
  | "too_slow"
  | "too_much_memory"
  | "url_refused"
  | "hash_mismatch";

/** A terminal refusal of a file: recorded with its reason, never retried. */
export class FileRefused extends CountersignError {
  override readonly name = "FileRefused";
  readonly retry = false;
  readonly status = 422;
  override readonly code: RefusalCode;

  constructor(
    code: RefusalCode,
    message: string,
    context: Record<string, unknown> = {},
    cause?: unknown,
  ) {
    super(code, message, context, cause);
    this.code = code;
  }
}

/** Something outside us failed in a way that may pass: the step is retried. */
export class Unavailable extends CountersignError {
  override readonly name = "Unavailable";
  readonly retry = true;
  readonly status = 503;
}

/** Not now: the step is retried, but not before `afterMs` are over. */
export class Later extends CountersignError {
  override readonly name: string = "Later";
  readonly retry = true;
  readonly status = 503;
  readonly afterMs: number;

  constructor(code: string, message: string, afterMs: number, cause?: unknown) {
    super(code, message, { afterMs }, cause);
    this.afterMs = afterMs;
  }
}

/**
 * What is waited for may be there in a moment, or after an outage: the step is retried after `afterMs`, then each time after
 * twice the time before.
 */
export class NotYet extends Later {
  override readonly name = "NotYet";
}

/** There is no such project, or not yet: events come in any order, so the one that makes it may be on its way. */
export function noProjectYet(projectId: string): NotYet {
  return new NotYet("project_not_found", `There is no project ${projectId}.`, 1000);
}

/** One line for a log or a row from whatever was thrown. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
