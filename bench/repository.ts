import { existsSync } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { git, startGit } from "../lib/git/git.ts";

export const FILES = 25_000;
export const TOTAL_BYTES = 285_000_000;

/** A repository as large as a product's: made once, always the same. */
export interface BenchRepository {
  readonly dir: string;
  /** 25,000 files of 285 MB. */
  readonly first: string;
  /** The same but for ten files. */
  readonly second: string;
}

/** Makes the repository in .local/bench-data, or finds the one that is there. */
export async function benchRepository(): Promise<BenchRepository> {
  const dir = join(import.meta.dirname, "../.local/bench-data/repository-1.git");
  if (!existsSync(dir)) await make(dir);
  const commit = async (name: string) =>
    (await git(["rev-parse", `refs/heads/${name}`], { dir })).toString().trim();
  return { dir, first: await commit("first"), second: await commit("second") };
}

async function make(dir: string): Promise<void> {
  const made = `${dir}.new`;
  await rm(made, { recursive: true, force: true });
  await mkdir(made, { recursive: true });
  await git(["init", "--quiet", "--bare", "--template="], { dir: made });
  const config = [["core.compression", "1"]] as const;
  const call = { dir: made, config, timeoutMs: 600_000 };
  const running = startGit(["fast-import", "--quiet"], call);
  running.stdout.resume();
  for (const part of stream()) {
    if (!running.stdin.write(part)) await new Promise((next) => running.stdin.once("drain", next));
  }
  running.stdin.end();
  const { exitCode, stderr } = await running.ended;
  if (exitCode !== 0) throw new Error(`git fast-import: ${stderr}`);
  await writeFile(join(made, "description"), "data of the benchmark\n");
  await rename(made, dir);
}

function* stream(): Generator<string> {
  const person = "committer Bench <bench@example.com>";
  yield `commit refs/heads/first\n${person} 1700000000 +0000\ndata 5\nfirst\n`;
  const random = generator(1);
  let left = TOTAL_BYTES;
  for (let i = 0; i < FILES; i++) {
    const language = LANGUAGES[Math.floor(random() ** 1.4 * LANGUAGES.length)] ?? LANGUAGES[0];
    // As sizes of files are: half below 5 KB, few of a hundred. The last ones bring the sum to what it has to be.
    const mean = left / (FILES - i);
    const size = Math.min(200_000, (mean / 2.1) * Math.exp(gauss(random) * 1.22));
    const text = fileText(language, { size: Math.max(120, size), random });
    left -= text.length;
    yield `M 100644 inline ${pathOf(i, language)}\ndata ${text.length}\n${text}\n`;
  }
  yield `commit refs/heads/second\n${person} 1700000060 +0000\ndata 6\nsecond\nfrom refs/heads/first\n`;
  for (let i = 0; i < 10; i++) {
    const text = fileText(LANGUAGES[0], { size: 3000, random });
    yield `M 100644 inline changed/file${i}.ts\ndata ${text.length}\n${text}\n`;
  }
}

const pathOf = (i: number, { extension }: Language) =>
  i < 10 ? `changed/file${i}.ts` : `packages/p${i % 83}/src/m${i % 611}/file${i}.${extension}`;

interface Language {
  readonly extension: string;
  /** A declaration of about `lines` lines. */
  readonly declare: (name: string, lines: readonly string[]) => string;
  readonly statement: (words: () => string) => string;
}

const braces =
  (head: (name: string) => string, note = "//") =>
  (name: string, lines: readonly string[]) =>
    `${note} ${name} is what the others are made of.\n${head(name)} {\n${lines.map((line) => `  ${line}\n`).join("")}}\n\n`;
const assign = (w: () => string, end = ";") => {
  const [a, b, c] = [w(), w(), w()];
  return `if (${a} > ${b.length}) { ${c} = ${w()}(${a}, "${b} ${w()}") + ${a.length * 7}${end} }`;
};

/** What repositories are made of, the most frequent first. */
const LANGUAGES: readonly [Language, ...Language[]] = [
  {
    extension: "ts",
    declare: braces((n) => `export function ${n}(input: Record<string, number>): number`),
    statement: assign,
  },
  {
    extension: "py",
    declare: (n, l) =>
      `def ${n}(value, other=None):\n    """Says what ${n} does."""\n${l.map((line) => `    ${line}\n`).join("")}    return value\n\n\n`,
    statement: (w) =>
      `${w()} = [${w()}(${w()}) for ${w()} in ${w()} if ${w()} is not None]  # ${w()} ${w()}`,
  },
  {
    extension: "go",
    declare: braces((n) => `func ${n}(ctx Context, in *Input) (out Output, err error)`),
    statement: (w) =>
      `if ${w()}, err := ${w()}.${w()}(ctx, ${w()}); err != nil { return out, wrap(err, "${w()} ${w()}") }`,
  },
  {
    extension: "java",
    declare: (n, l) =>
      `/** ${n}. */\npublic final class ${n} {\n  public int run(int value) {\n${l.map((line) => `    ${line}\n`).join("")}    return value;\n  }\n}\n\n`,
    statement: assign,
  },
  {
    extension: "md",
    declare: (n, l) => `## ${n}\n\n${l.join("\n")}\n\n`,
    statement: (w) =>
      `The ${w()} of a ${w()} is ${w()} when ${w()} and ${w()} are the same ${w()}.`,
  },
  {
    extension: "json",
    declare: (n, l) =>
      `{"name": "${n}", "values": [\n${l.map((line) => `  ${JSON.stringify(line)}`).join(",\n")}\n]}\n`,
    statement: (w) => `${w()} ${w()} ${w()}`,
  },
  {
    extension: "rs",
    declare: braces((n) => `pub fn ${n}(input: &Input) -> Result<Output, Error>`),
    statement: (w) =>
      `let ${w()} = ${w()}.${w()}(&${w()}).map_err(|e| e.context("${w()} ${w()}"))?;`,
  },
  {
    extension: "c",
    declare: braces((n) => `static int ${n}(struct state *s, int value)`),
    statement: assign,
  },
  {
    extension: "css",
    declare: (n, l) => `.${n} {\n${l.map((line) => `  ${line}\n`).join("")}}\n\n`,
    statement: (w) => `--${w()}-${w()}: calc(var(--${w()}) + ${w().length}px);`,
  },
  {
    extension: "yaml",
    declare: (n, l) => `${n}:\n${l.map((line) => `  - ${line}\n`).join("")}\n`,
    statement: (w) => `{ name: ${w()}, uses: ${w()}/${w()}, with: "${w()} ${w()}" }`,
  },
];

function fileText(
  language: Language,
  { size, random }: { size: number; random: () => number },
): string {
  const word = () => WORDS[Math.floor(random() ** 2 * WORDS.length)] ?? "value";
  let text = "";
  for (let n = 0; text.length < size; n++) {
    const lines = Array.from({ length: 3 + Math.floor(random() * 24) }, () =>
      language.statement(word),
    );
    text += language.declare(`${word()}${word().replace(/^./, (c) => c.toUpperCase())}${n}`, lines);
  }
  return text;
}

const SYLLABLES = [
  "re",
  "con",
  "ta",
  "mi",
  "lo",
  "ser",
  "va",
  "net",
  "pro",
  "ca",
  "den",
  "fi",
  "gu",
  "ha",
  "ken",
  "ble",
  "sto",
  "qui",
  "ram",
  "pli",
];
const WORDS = (() => {
  const random = generator(7);
  const pick = () => SYLLABLES[Math.floor(random() * SYLLABLES.length)] ?? "a";
  return Array.from({ length: 4000 }, () =>
    Array.from({ length: 1 + Math.floor(random() * 3) }, pick).join(""),
  );
})();

/** Mulberry32: the same figures everywhere. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function gauss(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
