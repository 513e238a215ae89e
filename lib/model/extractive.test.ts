import fc from "fast-check";
import { expect, test } from "vitest";
import { processorMs } from "../../test/support/processor.ts";
import { writeExtractive } from "./extractive.ts";
import type { Passage } from "./port.ts";
import { sentences } from "./sentences.ts";
import { terms } from "./terms.ts";

const manual: Passage[] = [
  {
    id: "c1",
    label: "manual.pdf, page 3",
    text: `# Retention\n\nBackups are kept for 35 days. After that they are\ndeleted by a job, e.g. at night. The job writes a report.`,
  },
  {
    id: "c2",
    label: "security.md",
    text: `Access to backups needs two approvals.\n\n- Keys are rotated every 90 days.\n- Backups are encrypted with AES-256.\n\n| Item | Kept |\n|---|---|\n| Audit log | 7 years |`,
  },
  {
    id: "c3",
    label: "menu.txt",
    text: "On Fridays the canteen serves fish. Soup is served daily.",
  },
];
const said = (task: string, passages = manual) =>
  writeExtractive({ task, passages }).statements.map(({ text, citations }) => [
    citations[0]?.passageId,
    text,
  ]);

test("takes the sentences that answer, as they stand, from several passages", () => {
  expect(said("How long are backups kept before they are deleted?")).toEqual([
    ["c1", "Backups are kept for 35 days."],
    ["c1", "After that they are\ndeleted by a job, e.g. at night."],
  ]);
  expect(said("Encryption of backups")[0]).toEqual(["c2", "- Backups are encrypted with AES-256."]);
  expect(said("How are backups deleted and encrypted?").map(([id]) => id)).toEqual(["c1", "c2"]);
  expect(said("audit log")).toEqual([["c2", "| Audit log | 7 years |"]]);
});

test("a task of many words or with a brief lists what may be said, a question means what it says", () => {
  const brief = "The backup service";
  const section = 'Security model, section "Controls": What protects the assets.';
  expect(said(section)).toEqual([]);
  const { statements } = writeExtractive({ task: section, brief, passages: manual });
  expect(statements.length).toBeGreaterThan(1);
  expect(said("Does the moon rotate?")).toEqual([]);
});

test("code, headings and the names of columns are no sentences", () => {
  const text =
    "# Backup plan of backups\n\nBackups run daily here\n\n```sh\nbackup list --all now\n```\n\n| Backup name | Kept |\n| --- | --- |\n| Backup of keys | 9 days |";
  const spans = sentences(text).map(({ start, end }) => text.slice(start, end));
  expect(spans).toEqual(["Backups run daily here", "| Backup of keys | 9 days |"]);
});

test("works where words are not apart", () => {
  const passages = [
    {
      id: "ja",
      label: "手順書.pdf",
      text: "承認は二人で行う。バックアップは三十五日間保存される。",
    },
    { id: "zh", label: "手册.md", text: "所有更改都需要批准。密钥每九十天轮换一次！" },
  ];
  expect(said("バックアップの保存期間", passages)).toEqual([
    ["ja", "バックアップは三十五日間保存される。"],
  ]);
  expect(said("密钥多久轮换", passages)).toEqual([["zh", "密钥每九十天轮换一次！"]]);
});

test("says so when the sources do not answer", () => {
  const none = { statements: [], answered: false, model: null };
  for (const task of ["What is the capital of Mongolia?", "???", "", "of the and"]) {
    expect(writeExtractive({ task, passages: manual })).toMatchObject(none);
  }
  expect(writeExtractive({ task: "backups", passages: [] })).toMatchObject(none);
});

test("what two passages both say comes once, and no more comes than was asked for", () => {
  const twice = [...manual, { id: "c4", label: "copy", text: manual[0]?.text ?? "" }];
  const texts = said("How long are backups kept?", twice).map(([, text]) => text);
  expect(new Set(texts).size).toBe(texts.length);
  expect(
    writeExtractive({ task: "backups kept", passages: manual, maxStatements: 1 }).statements,
  ).toHaveLength(1);
});

/** Words of the task among whatever else, so that something is found. */
const marks = [". ", "\n", "\n\n- ", "。", "| ", "```\n", "# "];
const word = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom("backup", "keys", "daily", "restored", "承認", "保存") },
  { weight: 2, arbitrary: fc.constantFrom(...marks) },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 12 }) },
);
const passages = fc
  .array(fc.array(word, { minLength: 20, maxLength: 120 }), { minLength: 1, maxLength: 6 })
  .map((texts) => texts.map((text, i) => ({ id: `${i}`, label: "", text: text.join(" ") })));

test("every quote stands in its passage, is bounded, and the same comes again", () => {
  let found = 0;
  fc.assert(
    fc.property(passages, (passages) => {
      const request = { task: "backup keys 承認", passages };
      const written = writeExtractive(request);
      found += written.statements.length;
      for (const { text, citations } of written.statements) {
        expect(text).toBe(citations.map(({ quote }) => quote).join(""));
        expect(text.length).toBeLessThanOrEqual(480);
        for (const { passageId, quote } of citations) {
          expect(passages[Number(passageId)]?.text).toContain(quote);
        }
      }
      expect(written.statements.length).toBeLessThanOrEqual(8);
      expect(writeExtractive(request)).toEqual(written);
    }),
  );
  expect(found).toBeGreaterThan(20);
});

test("a line of blanks takes no longer than its length", async () => {
  const ms = await processorMs(() => {
    expect(sentences(`${" ".repeat(200_000)}.`)).toHaveLength(1);
  });
  expect(ms).toBeLessThan(5000);
});

test("sentences are in order, apart, and lose nothing but headings and blanks", () => {
  fc.assert(
    fc.property(fc.array(word, { maxLength: 80 }), (words) => {
      const text = words.join(" ");
      let end = 0;
      for (const span of sentences(text)) {
        expect(span.start).toBeGreaterThanOrEqual(end);
        expect(span.end).toBeGreaterThan(span.start);
        end = span.end;
      }
      expect(end).toBeLessThanOrEqual(text.length);
    }),
  );
  const long = `${"word ".repeat(200)}end.`;
  expect(sentences(long).map(({ start, end }) => long.slice(start, end).length)).toEqual([479]);
});

test("endings and case make no difference", () => {
  expect(terms("Approvals")).toEqual(terms("approved"));
  expect(terms("Policies")).toEqual(terms("policy"));
  expect(terms("Deleting, DELETED deletes")).toEqual(["delet", "delet", "delet"]);
  expect(terms("the of and")).toEqual([]);
});
