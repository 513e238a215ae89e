import { type ASTNode, Environment, serialize } from "@marcbachmann/cel-js";
import { errorMessage, InvalidInput } from "#lib/errors.ts";
import { limits } from "./limits.ts";

/** A JSON object: an event as it stands in an expression. */
export type Json = Readonly<Record<string, unknown>>;

type Path = readonly (string | number)[];

/** A place in one of the two events that an expression reads. */
interface Chain {
  readonly root: "event" | "async";
  readonly path: Path;
  /** Read by `has(...)`, which matches nothing when the place is missing. */
  readonly has: boolean;
}

/** An equality that must hold for the expression to match, so that waits can be found by an index. */
export interface IndexKey {
  /** JSON of the path in the arriving event. */
  readonly path: string;
  /** JSON of the value that it must have there. */
  readonly value: string;
}

/**
 * A compiled CEL expression over `event` (for a wait: the event that triggered the run) and `async` (the one that
 * arrives). Its semantics are the official server's: a missing place reads as null, also deep inside missing ones,
 * and whatever does not type-check matches nothing.
 */
export interface Expression {
  /** The values that it reads from `event`: all that a stored wait needs to keep. */
  capture(event: Json): unknown[];
  /** The value, with `captured` from {@link capture}; throws where CEL has an error. */
  evaluate(captured: readonly unknown[], async?: Json): unknown;
  /** True only when the value is exactly true; an error is no match. */
  matches(captured: readonly unknown[], async?: Json): boolean;
  /** The indexable equality for these captured values, if there is one. */
  indexKey(captured: readonly unknown[]): IndexKey | undefined;
}

const hour = 3_600_000;
const environment = new Environment({ unlistedVariablesAreDyn: true })
  .registerFunction("lowercase(string): string", (text: string) => text.toLowerCase())
  .registerFunction("uppercase(string): string", (text: string) => text.toUpperCase())
  .registerFunction("b64decode(string): string", (text: string) =>
    Buffer.from(text, "base64").toString("utf8"),
  )
  .registerFunction("json_parse(string): dyn", (text: string): unknown => JSON.parse(text))
  .registerFunction("date(dyn): google.protobuf.Timestamp", (value: unknown) => {
    const date = new Date(typeof value === "bigint" ? Number(value) : (value as string | number));
    if (Number.isNaN(date.getTime())) throw new TypeError("not a date");
    return date;
  })
  .registerFunction("now(): google.protobuf.Timestamp", () => new Date())
  .registerFunction("now_plus(string): google.protobuf.Timestamp", (text: string) =>
    shifted(text, 1),
  )
  .registerFunction("now_minus(string): google.protobuf.Timestamp", (text: string) =>
    shifted(text, -1),
  )
  .registerFunction("present__(dyn): bool", (value: unknown) => {
    if (value !== true) throw new TypeError("missing");
    return true;
  });

const MAX_CACHED = 1000;
const cache = new Map<string, Expression>();

/**
 * Compiles `source`, or takes it from a bounded cache.
 * @throws InvalidInput when it is not CEL, too long, or calls a function that does not exist.
 */
export function compile(source: string): Expression {
  const known = cache.get(source);
  if (known) return known;
  const expression = compileNew(source);
  if (cache.size >= MAX_CACHED) cache.delete(cache.keys().next().value ?? "");
  cache.set(source, expression);
  return expression;
}

/** The value at `path` inside `json`, or undefined; only own properties count. */
export function valueAt(json: unknown, path: Path): unknown {
  let value = json;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string | number, unknown>)[key];
  }
  return value;
}

/**
 * The JSON of a value that equals only what has the same JSON; undefined for all others (null also equals what is
 * missing, and lists and objects may be written in several ways).
 */
export function indexable(value: unknown): string | undefined {
  if (typeof value === "bigint") return JSON.stringify(Number(value));
  const simple = ["string", "number", "boolean"].includes(typeof value);
  return simple ? JSON.stringify(value) : undefined;
}

function compileNew(source: string): Expression {
  if (source.length > limits.expressionChars) {
    throw new InvalidInput(
      "bad_expression",
      `an expression has at most ${limits.expressionChars} characters`,
    );
  }
  const chains: Chain[] = [];
  let ast: ASTNode;
  let run: (context: Record<string, unknown>) => unknown;
  try {
    ast = environment.parse(source).ast;
    run = environment.parse(serialize(rewrite(ast, chains)));
  } catch (error) {
    throw new InvalidInput(
      "bad_expression",
      `"${source}" is not a valid expression: ${errorMessage(error)}`,
    );
  }
  const evaluate = (captured: readonly unknown[], async: Json = {}) => {
    const context: Record<string, unknown> = {};
    let next = 0;
    chains.forEach((chain, i) => {
      context[`v${i}__`] =
        chain.root === "event" ? captured[next++] : read(chain, valueAt(async, chain.path));
    });
    return run(context);
  };
  const equality = conjuncts(ast)
    .map(toEquality)
    .find((found) => found !== undefined);
  const ownChains = chains.filter((chain) => chain.root === "event");
  return {
    capture: (event) => ownChains.map((chain) => read(chain, valueAt(event, chain.path))),
    evaluate,
    matches(captured, async) {
      try {
        return evaluate(captured, async) === true;
      } catch {
        return false; // CEL has no overload for these values: the official server matches nothing either
      }
    },
    indexKey(captured) {
      if (!equality) return undefined;
      const at = ownChains.findIndex(
        (chain) => !chain.has && samePath(chain.path, equality.eventPath ?? []),
      );
      const value = indexable(equality.eventPath ? captured[at] : equality.literal);
      return value === undefined ? undefined : { path: JSON.stringify(equality.asyncPath), value };
    },
  };
}

/** Replaces every place that is read from an event by a variable, so that a missing one can be null. */
function rewrite(node: ASTNode, chains: Chain[]): ASTNode {
  const variable = (chain: Chain) => ({ op: "id", args: `v${chains.push(chain) - 1}__` });
  const visit = (part: unknown): unknown => {
    if (Array.isArray(part)) return part.map(visit);
    if (typeof part !== "object" || part === null || !("op" in part)) return part;
    const inner = part as ASTNode;
    if (inner.op === "value") return inner;
    const place = toChain(inner);
    if (place) return variable(place);
    if (inner.op === "call" && inner.args[0] === "has") {
      const [argument] = inner.args[1];
      const asked = argument && toChain(argument);
      if (asked) return { op: "call", args: ["present__", [variable({ ...asked, has: true })]] };
    }
    return { op: inner.op, args: visit(inner.args) };
  };
  return visit(node) as ASTNode;
}

function toChain(node: ASTNode): Chain | undefined {
  if (node.op === "id") {
    return node.args === "event" || node.args === "async"
      ? { root: node.args, path: [], has: false }
      : undefined;
  }
  if (node.op !== "." && node.op !== "[]") return undefined;
  const base = toChain(node.args[0]);
  const key = typeof node.args[1] === "string" ? node.args[1] : literal(node.args[1]);
  if (!base || (typeof key !== "string" && typeof key !== "bigint")) return undefined;
  return { ...base, path: [...base.path, typeof key === "bigint" ? Number(key) : key] };
}

function literal(node: ASTNode): unknown {
  return node.op === "value" ? node.args : undefined;
}

function read(chain: Chain, value: unknown): unknown {
  return chain.has ? value !== undefined : (value ?? null);
}

function conjuncts(node: ASTNode): ASTNode[] {
  return node.op === "&&" ? node.args.flatMap(conjuncts) : [node];
}

/** `async.<path> == event.<path>` or `async.<path> == "text"`, either way round. */
function toEquality(
  node: ASTNode,
): { asyncPath: Path; eventPath?: Path; literal?: unknown } | undefined {
  if (node.op !== "==") return undefined;
  for (const [left, right] of [node.args, [node.args[1], node.args[0]] as const]) {
    const arriving = toChain(left);
    if (arriving?.root !== "async") continue;
    const own = toChain(right);
    if (own?.root === "event") return { asyncPath: arriving.path, eventPath: own.path };
    if (indexable(literal(right)) !== undefined) {
      return { asyncPath: arriving.path, literal: literal(right) };
    }
  }
  return undefined;
}

function samePath(a: Path, b: Path): boolean {
  return a.length === b.length && a.every((key, i) => key === b[i]);
}

/** `1h`, `30m`, `2d` from now. */
function shifted(text: string, sign: 1 | -1): Date {
  const [, amount = "", unit = ""] = /^(\d+)([smhd])$/.exec(text) ?? [];
  const unitMs = { s: 1000, m: 60_000, h: hour, d: 24 * hour }[unit];
  if (unitMs === undefined) throw new TypeError(`"${text}" is not a duration`);
  return new Date(Date.now() + sign * Number(amount) * unitMs);
}
