import * as z from "zod";
import type { Approval } from "../data/approvals.server.ts";
import { ASSURANCE } from "../policy/document.ts";

const recorded = z.object({
  rule: z.object({
    requester: z.enum(["never", "unless_alone", "always"]),
    assurance: z.enum(ASSURANCE),
  }),
});

/** The rule that an approval was requested under, kept in its row: a later policy does not change what is asked of it. */
export function approvalRule({ metadata, approvers }: Approval) {
  return { ...recorded.parse(metadata).rule, approvers };
}
