/** One measured figure. What it must reach is `bar`, in words; figures without a bar are for information. */
export interface BenchResult {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** The same figure of the peer, measured in the same run; null where there is no peer. */
  readonly peer: number | null;
  /** How many times better than the peer, also where less is better; null without a peer. */
  readonly ratio: number | null;
  readonly bar: string | null;
  readonly ok: boolean;
}

/** What a module `bench/<name>.bench.ts` exports as `run`. */
export type Bench = () => Promise<BenchResult[]>;

interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  readonly peer?: number;
  /** Bar on the value, in its unit. */
  readonly bar?: number;
  /** Bar on the ratio to the peer. */
  readonly times?: number;
}

/** A figure of which more is better, such as MB/s. */
export function moreIsBetter(figure: Figure): BenchResult {
  return judged(
    figure,
    (value, peer) => value / peer,
    "at least",
    (value, bar) => value >= bar,
  );
}

/** A figure of which less is better, such as ms. */
export function lessIsBetter(figure: Figure): BenchResult {
  return judged(
    figure,
    (value, peer) => peer / value,
    "at most",
    (value, bar) => value <= bar,
  );
}

function judged(
  { what, value, unit, peer, bar, times }: Figure,
  ratioOf: (value: number, peer: number) => number,
  word: string,
  reaches: (value: number, bar: number) => boolean,
): BenchResult {
  const ratio = peer === undefined ? null : ratioOf(value, peer);
  const bars = [
    ...(bar === undefined ? [] : [`${word} ${round(bar)} ${unit}`]),
    ...(times === undefined ? [] : [`${times} x peer`]),
  ];
  const ok =
    (bar === undefined || reaches(value, bar)) && (times === undefined || (ratio ?? 0) >= times);
  return {
    what,
    value: round(value),
    unit,
    peer: peer === undefined ? null : round(peer),
    ratio: ratio === null ? null : round(ratio),
    bar: bars.length === 0 ? null : bars.join(", "),
    ok,
  };
}

/** Three significant digits say all that a measurement can. */
function round(value: number): number {
  return Number(value.toPrecision(3));
}

/** The q-quantile (0 to 1) of at least one figure, by the nearest rank. */
export function quantile(figures: readonly number[], q: number): number {
  const sorted = [...figures].sort((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)];
  if (value === undefined) throw new RangeError("No figures were measured.");
  return value;
}

/** The middle figure. */
export function median(figures: readonly number[]): number {
  return quantile(figures, 0.5);
}
