import * as z from "zod";

const text = z.string().min(1).max(200);

/** What a new object is made of; `head` is the state of the book that the caller saw when it decided to. */
export const newObject = z.strictObject({
  kind: text,
  name: text,
  value: z.json(),
  head: text,
  marker: text,
});
export type NewObject = z.infer<typeof newObject>;

export const bookHead = z.strictObject({ head: text });

/** `allowDuplicates`: take a second object with the same name or marker, so that a repeated creation can be seen. */
export const bookOptions = z.strictObject({ allowDuplicates: z.boolean() });

/**
 * How the service can be told to fail. All but `error500` strike creations, unless `on` says otherwise.
 * - `before`: 500, and it was not done. `after`: it was done, then 500.
 * - `hang`: not done, and no answer ever comes. `hang-after`: done, and no answer ever comes. After `ms` the socket closes.
 * - `close`: the socket closes and it was not done. `close-after`: it was done, then the socket closes.
 * - `rate`: 429 with `retry-after: 1`, and it was not done.
 * - `error500`: 500 for whatever is asked, reads too.
 * - `echo`: answers `status` (422) with `body` as it is, and it was not done: what a careless service says about its callers.
 * - `delayed-reads`: an object that is created is seen by readers only after `ms`.
 */
export const FAULTS = [
  "before",
  "after",
  "hang",
  "hang-after",
  "close",
  "close-after",
  "rate",
  "error500",
  "echo",
  "delayed-reads",
] as const;

export const newFault = z.strictObject({
  book: text,
  fault: z.enum(FAULTS),
  /** How often it strikes. */
  times: z.int().min(1).max(1_000_000).default(1),
  ms: z.int().min(0).max(600_000).optional(),
  on: z.enum(["create", "read", "any"]).optional(),
  status: z.int().min(200).max(599).optional(),
  body: z.string().max(20_000).optional(),
});
export type NewFault = z.infer<typeof newFault>;
