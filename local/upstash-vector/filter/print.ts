import type { Filter, Literal, Step } from "./ast.ts";

/** The filter as text that parses back to the same filter. */
export function printFilter(filter: Filter): string {
  switch (filter.op) {
    case "and":
    case "or":
      return filter.operands
        .map((operand) =>
          operand.op === "and" || operand.op === "or"
            ? `(${printFilter(operand)})`
            : printFilter(operand),
        )
        .join(` ${filter.op.toUpperCase()} `);
    case "compare":
      return `${field(filter.path)} ${filter.comparison} ${literal(filter.value)}`;
    case "in":
    case "not in":
      return `${field(filter.path)} ${filter.op.toUpperCase()} (${filter.values.map(literal).join(", ")})`;
    case "glob":
    case "not glob":
      return `${field(filter.path)} ${filter.op.toUpperCase()} ${literal(filter.pattern)}`;
    case "contains":
    case "not contains":
      return `${field(filter.path)} ${filter.op.toUpperCase()} ${literal(filter.value)}`;
    case "has field":
    case "has not field":
      return `${filter.op.toUpperCase()} ${field(filter.path)}`;
  }
}

function field(path: readonly Step[]): string {
  return path
    .map((step, i) => {
      if ("key" in step) return i === 0 ? step.key : `.${step.key}`;
      return "index" in step ? `[${step.index}]` : `[#-${step.fromEnd}]`;
    })
    .join("");
}

function literal(value: Literal): string {
  return typeof value === "string" ? `'${value.replaceAll("'", "''")}'` : String(value);
}
