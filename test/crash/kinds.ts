/** What the harness must know of a kind of effect to bring one about. */
export interface Kind {
  readonly kind: string;
  /** Input of a run that makes one such effect in the book. */
  input(book: string): object;
  /** Whether its reads see every earlier write: then the target may not be told to delay them. */
  readonly consistent: boolean;
}

/** Every kind that is registered; a test holds the two lists together. */
export const KINDS: readonly Kind[] = [
  { kind: "ledger.entry", consistent: true, input: (book) => ledger(book, "entry") },
  { kind: "ledger.note", consistent: false, input: (book) => ledger(book, "note") },
];

const ledger = (book: string, kind: string) => ({
  target: "ledger",
  book,
  entries: [{ kind, name: "first", value: "one" }],
});
