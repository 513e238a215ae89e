import type { Node, Tree } from "@vscode/tree-sitter-wasm";
import { grammarOf } from "./grammars.ts";
import { parserOf } from "./parsers.ts";

/** Larger texts are cut by their lines: parsing them takes memory that grows with them, and people write few such files. */
const MAX_LENGTH = 256 * 1024;
/** What is shorter than this is one chunk, or nearly, wherever its declarations are. */
const MIN_LENGTH = 1200;
const TIMEOUT_MS = 2000;
/** A node that is longer is looked into: it will not fit one chunk. About the target of a chunk in units. */
const LARGE = 1400;
const MAX_DEPTH = 24;

/** How good a place for a new chunk is: before a declaration of the file, of a class, before a statement. */
const STRENGTHS = [3, 2, 1] as const;

/**
 * Where declarations and statements begin in a source text: positions of the first non-blank of a line, in UTF-16 units,
 * with how good a place each is for a new chunk. A comment or attribute in front belongs to what follows it.
 * Null where no grammar is, the text is small or large, or the parser does not end in time: then lines have to do.
 */
export async function codeBreaks(
  text: string,
  { language, path }: { language: string; path: string },
): Promise<Map<number, number> | null> {
  const grammar = grammarOf(language, path);
  if (grammar === null || text.length < MIN_LENGTH || text.length > MAX_LENGTH) return null;
  const parser = await parserOf(language, grammar);
  const until = performance.now() + TIMEOUT_MS;
  const tree = parser.parse(text, null, { progressCallback: () => performance.now() > until });
  if (tree === null) {
    // It would go on with this text otherwise.
    parser.reset();
    return null;
  }
  try {
    return breaksOf(tree, text);
  } finally {
    tree.delete();
  }
}

function breaksOf(tree: Tree, text: string): Map<number, number> {
  const breaks = new Map<number, number>();
  const open: { node: Node; level: number; depth: number }[] = [
    { node: tree.rootNode, level: 0, depth: 0 },
  ];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { node, level, depth } = next;
    const children = node.namedChildren.filter((child) => child !== null);
    // A node of one child that begins with it (export, decorated definition) is no level of its own.
    const lines = children.filter((child) => beginsLine(text, child.startIndex));
    const strength = STRENGTHS[Math.min(level, STRENGTHS.length - 1)] ?? 1;
    let leading = false;
    for (const child of children) {
      if (beginsLine(text, child.startIndex)) {
        const known = breaks.get(child.startIndex) ?? 0;
        breaks.set(child.startIndex, leading ? 0 : Math.max(known, strength));
        leading = isLeading(child.type);
      }
      if (child.endIndex - child.startIndex > LARGE && depth < MAX_DEPTH) {
        open.push({ node: child, level: lines.length > 1 ? level + 1 : level, depth: depth + 1 });
      }
    }
  }
  return breaks;
}

const LEADING = /comment|attribute|decorator|annotation|modifier/;

function isLeading(type: string): boolean {
  return LEADING.test(type);
}

/** Whether nothing but blanks is before a position on its line. */
function beginsLine(text: string, at: number): boolean {
  for (let before = at - 1; before >= 0; before--) {
    const unit = text.charCodeAt(before);
    if (unit === 0x0a) return true;
    if (unit !== 0x20 && unit !== 0x09) return false;
  }
  return true;
}
