import { type Comparison, type Filter, FilterError, type Literal, type Step } from "./ast.ts";
import { checkPattern } from "./glob.ts";
import { path, type Token, tokenize } from "./tokens.ts";

const MAX_LENGTH = 16_384;
const MAX_DEPTH = 64;
const COMPARISONS: readonly string[] = ["=", "!=", "<", "<=", ">", ">="];

/**
 * Parses a metadata filter (grammar: Upstash docs, vector, metadata filtering). By hand, because the grammar is
 * two levels deep and a parser library would be longer than this and say less about what is wrong where:
 *
 *     or        = and ("OR" and)*
 *     and       = condition ("AND" condition)*
 *     condition = "(" or ")" | "HAS" "NOT"? "FIELD" field | field operator
 *     operator  = ("=" | "!=" | "<" | "<=" | ">" | ">=") literal
 *               | "NOT"? ("IN" "(" literal ("," literal)* ")" | "GLOB" string | "CONTAINS" literal)
 *
 * No word is reserved: what a word means follows from where it stands. Throws {@link FilterError}.
 */
export function parseFilter(text: string): Filter {
  if (text.length > MAX_LENGTH) {
    throw new FilterError(`longer than ${MAX_LENGTH} characters`, MAX_LENGTH);
  }
  const parser = new Parser(tokenize(text));
  const filter = parser.or(0);
  parser.end();
  return filter;
}

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  or(depth: number): Filter {
    if (depth > MAX_DEPTH) throw this.#unexpected(`fewer than ${MAX_DEPTH} nested parentheses`);
    return this.#chain("or", () => this.#chain("and", () => this.#condition(depth)));
  }

  end(): void {
    if (this.#peek().kind !== "end") throw this.#unexpected("AND, OR or the end");
  }

  #chain(op: "and" | "or", operand: () => Filter): Filter {
    const first = operand();
    if (!this.#takeWord(op)) return first;
    const operands: [Filter, Filter, ...Filter[]] = [first, operand()];
    while (this.#takeWord(op)) operands.push(operand());
    return { op, operands };
  }

  #condition(depth: number): Filter {
    if (this.#takeSymbol("(")) {
      const inner = this.or(depth + 1);
      if (!this.#takeSymbol(")")) throw this.#unexpected(")");
      return inner;
    }
    const [next, afterNext] = [this.#peek(1), this.#peek(2)];
    if (isWord(this.#peek(), "has") && (isWord(next, "field") || isWord(next, "not"))) {
      if (isWord(next, "field")) return this.#hasField(2, "has field");
      // A field may be called "has": `has NOT IN (1)`.
      if (isWord(afterNext, "field")) return this.#hasField(3, "has not field");
    }
    return this.#operator(this.#field());
  }

  #hasField(words: number, op: "has field" | "has not field"): Filter {
    this.#at += words;
    return { op, path: this.#field() };
  }

  #operator(path: readonly Step[]): Filter {
    const token = this.#peek();
    if (token.kind === "symbol" && COMPARISONS.includes(token.text)) {
      this.#at++;
      return this.#comparison(path, token.text as Comparison);
    }
    const negated = this.#takeWord("not");
    if (this.#takeWord("in")) return { op: negated ? "not in" : "in", path, values: this.#list() };
    if (this.#takeWord("glob")) {
      return { op: negated ? "not glob" : "glob", path, pattern: this.#pattern() };
    }
    if (this.#takeWord("contains")) {
      return { op: negated ? "not contains" : "contains", path, value: this.#literal() };
    }
    throw this.#unexpected(negated ? "IN, GLOB or CONTAINS" : "an operator");
  }

  #comparison(path: readonly Step[], comparison: Comparison): Filter {
    const token = this.#peek();
    const value = this.#literal();
    if (typeof value === "string" && comparison !== "=" && comparison !== "!=") {
      throw new FilterError(`${comparison} needs a number`, token.position);
    }
    return { op: "compare", path, comparison, value };
  }

  #list(): Literal[] {
    if (!this.#takeSymbol("(")) throw this.#unexpected("(");
    const values = [this.#literal()];
    while (this.#takeSymbol(",")) values.push(this.#literal());
    if (!this.#takeSymbol(")")) throw this.#unexpected(", or )");
    return values;
  }

  #pattern(): string {
    const token = this.#peek();
    if (token.kind !== "string") throw this.#unexpected("a pattern in quotes");
    this.#at++;
    checkPattern(token.value, token.position);
    return token.value;
  }

  #literal(): Literal {
    const token = this.#peek();
    if (token.kind === "string" || token.kind === "number") {
      this.#at++;
      return token.value;
    }
    if (this.#takeWord("true")) return 1;
    if (this.#takeWord("false")) return 0;
    throw this.#unexpected("a string, number or boolean");
  }

  #field(): Step[] {
    const token = this.#peek();
    if (token.kind !== "word") throw this.#unexpected("a field");
    this.#at++;
    return path(token.text, token.position);
  }

  #peek(ahead = 0): Token {
    const token = this.#tokens[Math.min(this.#at + ahead, this.#tokens.length - 1)];
    if (!token) throw new FilterError("empty filter", 0);
    return token;
  }

  #takeWord(word: string): boolean {
    const taken = isWord(this.#peek(), word);
    if (taken) this.#at++;
    return taken;
  }

  #takeSymbol(symbol: string): boolean {
    const token = this.#peek();
    const taken = token.kind === "symbol" && token.text === symbol;
    if (taken) this.#at++;
    return taken;
  }

  #unexpected(expected: string): FilterError {
    return new FilterError(`expected ${expected}`, this.#peek().position);
  }
}

function isWord(token: Token, word: string): boolean {
  return token.kind === "word" && token.text.toLowerCase() === word;
}
