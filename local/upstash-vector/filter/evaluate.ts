import type { Comparison, Filter, Literal, Step } from "./ast.ts";
import { globMatcher } from "./glob.ts";

/**
 * Compiles a filter to a test of parsed metadata (undefined: the vector has none).
 *
 * A condition holds only for a value of a type its operator applies to: a missing field or null satisfies no
 * condition but HAS NOT FIELD (missing) and HAS FIELD (null), also not the negated ones. Booleans are 1 and 0.
 */
export function compileFilter(filter: Filter): (metadata: unknown) => boolean {
  switch (filter.op) {
    case "and": {
      const tests = filter.operands.map(compileFilter);
      return (metadata) => tests.every((test) => test(metadata));
    }
    case "or": {
      const tests = filter.operands.map(compileFilter);
      return (metadata) => tests.some((test) => test(metadata));
    }
    case "compare":
      return onField(filter.path, comparing(filter.comparison, filter.value));
    case "in":
      return onField(filter.path, (value) => filter.values.includes(scalar(value) ?? Number.NaN));
    case "not in":
      return onField(filter.path, (value) => {
        const found = scalar(value);
        return found !== undefined && !filter.values.includes(found);
      });
    case "glob":
    case "not glob": {
      const matches = globMatcher(filter.pattern);
      const wanted = filter.op === "glob";
      return onField(
        filter.path,
        (value) => typeof value === "string" && matches(value) === wanted,
      );
    }
    case "contains":
    case "not contains": {
      const wanted = filter.op === "contains";
      return onField(
        filter.path,
        (value) =>
          Array.isArray(value) && value.some((item) => scalar(item) === filter.value) === wanted,
      );
    }
    case "has field":
      return (metadata) => resolve(metadata, filter.path) !== undefined;
    case "has not field":
      return (metadata) => resolve(metadata, filter.path) === undefined;
  }
}

function onField(path: readonly Step[], test: (value: unknown) => boolean) {
  return (metadata: unknown) => test(resolve(metadata, path));
}

/** The value at a path of a JSON document; undefined when there is none. */
function resolve(document: unknown, path: readonly Step[]): unknown {
  let value = document;
  for (const step of path) {
    if (typeof value !== "object" || value === null) return undefined;
    if ("key" in step) {
      if (Array.isArray(value) || !Object.hasOwn(value, step.key)) return undefined;
      value = (value as Record<string, unknown>)[step.key];
    } else {
      if (!Array.isArray(value)) return undefined;
      value = value["index" in step ? step.index : value.length - step.fromEnd];
    }
  }
  return value;
}

function scalar(value: unknown): Literal | undefined {
  if (typeof value === "boolean") return value ? 1 : 0;
  return typeof value === "string" || typeof value === "number" ? value : undefined;
}

function comparing(comparison: Comparison, literal: Literal): (value: unknown) => boolean {
  if (comparison === "=") return (value) => scalar(value) === literal;
  if (comparison === "!=") {
    return (value) => {
      const found = scalar(value);
      return found !== undefined && found !== literal;
    };
  }
  const holds: (found: number, wanted: number) => boolean = {
    "<": (a: number, b: number) => a < b,
    "<=": (a: number, b: number) => a <= b,
    ">": (a: number, b: number) => a > b,
    ">=": (a: number, b: number) => a >= b,
  }[comparison];
  return (value) =>
    typeof value === "number" && typeof literal === "number" && holds(value, literal);
}
