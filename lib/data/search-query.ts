/** Han, kana and their variants: the characters that the `search` column sets apart; see db/schema/files.ts. */
const SET_APART = "[\\u2e80-\\u2fdf\\u3040-\\u30ff\\u3400-\\u4dbf\\u4e00-\\u9fff\\uf900-\\ufaff]+";
const RUN = new RegExp(SET_APART, "g");
const RUN_OR_WORD = new RegExp(
  `(?<run>${SET_APART})|[\\p{L}\\p{N}]+?(?=${SET_APART}|[^\\p{L}\\p{N}]|$)`,
  "gu",
);
/** A word or phrase with a `-` before it. Two of them exclude nothing: it is how options are written. */
const EXCLUSION = /(?<!\S)-(?!-)(?:"[^"]*"?|\S+)/g;
/** A question is a sentence or two; more only costs time. */
const MAX_CHARACTERS = 1_000;
const MAX_TERMS = 50;

/**
 * What a person typed, as PostgreSQL's `websearch_to_tsquery` wants it: all words, "phrases", -exclusions and `or` keep
 * their meaning, and a run of Han or kana is a phrase of its characters, as it is in the index.
 */
export function strictQuery(text: string): string {
  return bounded(text).replace(RUN, (run) => ` ${phrase(run)} `);
}

/**
 * The same words, any of which will do, for a question whose words are not all in one passage. Of a run of Han or kana
 * every two neighbours count as a word, because nothing says where its words end. What is excluded is not looked for.
 */
export function looseQuery(text: string): string {
  const wanted = bounded(text).replace(EXCLUSION, " ");
  const terms = [...wanted.matchAll(RUN_OR_WORD)].flatMap(({ 0: found, groups }) =>
    groups?.run === undefined ? [`"${found}"`] : neighbours(found).map(phrase),
  );
  return [...new Set(terms)].slice(0, MAX_TERMS).join(" or ");
}

/** PostgreSQL's text has no NUL. */
const bounded = (text: string) => text.slice(0, MAX_CHARACTERS).replaceAll("\0", " ");

const phrase = (characters: string) => `"${[...characters].join(" ")}"`;

function neighbours(run: string): string[] {
  if (run.length === 1) return [run];
  return [...run.slice(1)].map((character, index) => `${run.charAt(index)}${character}`);
}
