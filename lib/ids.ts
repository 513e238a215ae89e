import { TypeID, typeid } from "typeid-js";
import * as z from "zod";

/** The prefix of every kind of row: an id tells what it names, in a log as in an event. */
export const ID_PREFIXES = {
  project: "proj",
  skill: "skill",
  policy: "pol",
  file: "file",
  repo: "repo",
  run: "run",
  step: "step",
  artifact: "art",
  approval: "appr",
  decision: "dec",
  effect: "eff",
  finding: "find",
  audit: "aud",
  job: "job",
  infra: "infra",
  deployment: "dep",
  thread: "thr",
  message: "msg",
  citation: "cit",
  modelCall: "mcall",
} as const;

export type IdKind = keyof typeof ID_PREFIXES;

/**
 * A new id such as `proj_01h455vb4pex5vsknk084sn02q` (TypeID: UUIDv7 in base 32), so ids of one kind sort by the
 * millisecond of their making and inserts stay at the right edge of an index.
 */
export function newId(kind: IdKind): string {
  return typeid(ID_PREFIXES[kind]).toString();
}

/** Whether `value` is a well-formed id of that kind; says nothing about whether the row exists. */
export function isId(kind: IdKind, value: string): boolean {
  try {
    return TypeID.fromString(value).getType() === ID_PREFIXES[kind];
  } catch {
    // typeid-js reports every malformed id by throwing: here that is the answer.
    return false;
  }
}

/** A zod string that accepts only ids of that kind, for events, routes and command lines. */
export function idSchema(kind: IdKind) {
  return z.string().refine((value) => isId(kind, value), {
    error: `must be a ${kind} id: ${ID_PREFIXES[kind]}_ and 26 characters`,
  });
}
