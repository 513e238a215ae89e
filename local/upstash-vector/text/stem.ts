/**
 * Porter's stemmer for lower-case English words (M. F. Porter, "An algorithm for suffix stripping", 1980), so that
 * "approvals" finds "approved". Words of one or two letters stay as they are.
 */
export function stem(word: string): string {
  if (word.length <= 2) return word;
  let w = plural(word);
  w = pastAndGerund(w);
  if (w.endsWith("y") && hasVowel(w.slice(0, -1))) w = `${w.slice(0, -1)}i`;
  w = replaceSuffix(w, STEP_2, 0);
  w = replaceSuffix(w, STEP_3, 0);
  w = replaceSuffix(w, STEP_4, 1);
  return tidy(w);
}

const STEP_2 = suffixes(
  `ational:ate tional:tion enci:ence anci:ance izer:ize abli:able alli:al entli:ent eli:e ousli:ous ization:ize
  ation:ate ator:ate alism:al iveness:ive fulness:ful ousness:ous aliti:al iviti:ive biliti:ble`,
);
const STEP_3 = suffixes("icate:ic ative: alize:al iciti:ic ical:ic ful: ness:");
const STEP_4 = suffixes(
  `al: ance: ence: er: ic: able: ible: ant: ement: ment: ent: sion:s tion:t ou: ism: ate: iti: ous: ive: ize:`,
);

/** Longest first: a rule applies to the longest suffix that fits, or to none. */
function suffixes(rules: string): [suffix: string, replacement: string][] {
  return rules
    .split(/\s+/)
    .map((rule): [string, string] => {
      const [suffix = "", replacement = ""] = rule.split(":");
      return [suffix, replacement];
    })
    .sort((a, b) => b[0].length - a[0].length);
}

function replaceSuffix(w: string, rules: [string, string][], minMeasure: number): string {
  const rule = rules.find(([suffix]) => w.endsWith(suffix));
  if (!rule) return w;
  const [suffix, replacement] = rule;
  const base = w.slice(0, -suffix.length);
  return measure(base + replacement) > minMeasure && measure(base) > 0 ? base + replacement : w;
}

function plural(w: string): string {
  if (w.endsWith("sses") || w.endsWith("ies")) return w.slice(0, -2);
  return w.endsWith("s") && !w.endsWith("ss") ? w.slice(0, -1) : w;
}

function pastAndGerund(w: string): string {
  if (w.endsWith("eed")) return measure(w.slice(0, -3)) > 0 ? w.slice(0, -1) : w;
  const base = w.endsWith("ed") ? w.slice(0, -2) : w.endsWith("ing") ? w.slice(0, -3) : "";
  if (!hasVowel(base)) return w;
  if (/(at|bl|iz)$/.test(base)) return `${base}e`;
  if (/([^aeiou])\1$/.test(base) && !/[lsz]$/.test(base)) return base.slice(0, -1);
  return measure(base) === 1 && endsShort(base) ? `${base}e` : base;
}

/** Drops a final e, and one l of a double l, of a long enough word. */
function tidy(word: string): string {
  let w = word;
  if (w.endsWith("e")) {
    const base = w.slice(0, -1);
    if (measure(base) > 1 || (measure(base) === 1 && !endsShort(base))) w = base;
  }
  return measure(w) > 1 && w.endsWith("ll") ? w.slice(0, -1) : w;
}

/** `c` and `v` per letter; y is a vowel after a consonant. */
function shape(w: string): string {
  let out = "";
  for (const [i, letter] of [...w].entries()) {
    const vowel = "aeiou".includes(letter) || (letter === "y" && i > 0 && out[i - 1] === "c");
    out += vowel ? "v" : "c";
  }
  return out;
}

const hasVowel = (w: string) => shape(w).includes("v");
/** Number of vowel-consonant sequences. */
const measure = (w: string) => shape(w).match(/v+c+/g)?.length ?? 0;
const endsShort = (w: string) => shape(w).endsWith("cvc") && !/[wxy]$/.test(w);
