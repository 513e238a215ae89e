/** A literal of a filter. Booleans are the numbers 1 and 0, as Upstash documents them. */
export type Literal = string | number;

/** One step into metadata: a key, an index from the front, or `[#-n]`, the n-th element from the back. */
export type Step =
  | { readonly key: string }
  | { readonly index: number }
  | { readonly fromEnd: number };

export type Comparison = "=" | "!=" | "<" | "<=" | ">" | ">=";

/** A metadata filter. Paths have at least one step and start with a key. */
export type Filter =
  | { readonly op: "and" | "or"; readonly operands: readonly [Filter, Filter, ...Filter[]] }
  | {
      readonly op: "compare";
      readonly path: readonly Step[];
      readonly comparison: Comparison;
      readonly value: Literal;
    }
  | {
      readonly op: "in" | "not in";
      readonly path: readonly Step[];
      readonly values: readonly Literal[];
    }
  | { readonly op: "glob" | "not glob"; readonly path: readonly Step[]; readonly pattern: string }
  | {
      readonly op: "contains" | "not contains";
      readonly path: readonly Step[];
      readonly value: Literal;
    }
  | { readonly op: "has field" | "has not field"; readonly path: readonly Step[] };

/** The text is not a filter. `position` counts UTF-16 units from 0. */
export class FilterError extends Error {
  readonly position: number;

  constructor(message: string, position: number) {
    super(`${message} at position ${position}`);
    this.name = "FilterError";
    this.position = position;
  }
}
