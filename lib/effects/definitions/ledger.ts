import * as z from "zod";
import { createObject, findObject } from "../../ledger/client.ts";
import type { EffectDefinition } from "../definition.ts";

const params = z.strictObject({
  book: z.string().regex(/^[a-z0-9-]{1,64}$/, "1 to 64 lower-case letters, digits and dashes"),
  /** The book's head that the plan was made against; another one and nothing is written. */
  head: z.string().min(1).max(200),
  name: z.string().min(1).max(200),
  value: z.string().max(10_000),
});

type LedgerObject = z.infer<typeof params>;

const shared = {
  scope: "ledger.write",
  params,
  intent: ({ book, head, name, value }: LedgerObject) => ({ book, head, name, value }),
  timeoutMs: () => 2000,
} as const;

/** An object in a book of the ledger service, whose reads see every earlier write. */
export const ledgerEntry: EffectDefinition<LedgerObject> = {
  ...shared,
  kind: "ledger.entry",
  summary: ({ book, name }) => `Create the entry "${name}" in the book "${book}".`,
  reads: "consistent",
  find: ({ marker, params: { book }, signal }) => findObject({ book, marker }, signal),
  perform: ({ marker, params: object, signal }) =>
    createObject({ ...object, kind: "entry", marker }, signal),
};

/** The same where a read may miss what was just written: what is not found is not taken for not done. */
export const ledgerNote: EffectDefinition<LedgerObject> = {
  ...shared,
  kind: "ledger.note",
  summary: ({ book, name }) => `Create the note "${name}" in the book "${book}".`,
  reads: { settleMs: 5000 },
  find: ledgerEntry.find,
  perform: ({ marker, params: object, signal }) =>
    createObject({ ...object, kind: "note", marker }, signal),
};
