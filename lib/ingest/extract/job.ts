import type { RefusalCode } from "../../errors.ts";
import type { ExtractedDocument } from "../document.ts";
import type { Detected } from "./detect.ts";
import type { ExtractLimits } from "./limits.ts";

/** One file that a worker process reads. */
export interface ExtractJob {
  readonly path: string;
  readonly name: string;
  /** In bytes. */
  readonly size: number;
  readonly detected: Detected;
  readonly limits: ExtractLimits;
}

/** Why a file cannot be read, as it passes between threads and processes. */
export interface Refused {
  readonly kind: "refused";
  readonly code: RefusalCode;
  readonly message: string;
  readonly context: Readonly<Record<string, unknown>>;
}

/** The one message that a worker process sends back for a job. */
export type ExtractReply =
  | { readonly kind: "document"; readonly document: ExtractedDocument }
  | Refused;
