import type { RefusalCode } from "../../errors.ts";
import type { ExtractedDocument } from "../document.ts";
import type { Detected } from "./detect.ts";
import type { ExtractLimits } from "./limits.ts";

/** What a worker process is started with. */
export interface ExtractJob {
  readonly path: string;
  readonly name: string;
  /** In bytes. */
  readonly size: number;
  readonly detected: Detected;
  readonly limits: ExtractLimits;
}

/** The one message that a worker process sends back. */
export type ExtractReply =
  | { readonly kind: "document"; readonly document: ExtractedDocument }
  | {
      readonly kind: "refused";
      readonly code: RefusalCode;
      readonly message: string;
      readonly context: Readonly<Record<string, unknown>>;
    };
