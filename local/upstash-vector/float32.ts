/**
 * The shortest decimal that is this float32: 0.1 and not 0.10000000149011612, which is what JSON would show.
 * Upstash stores and answers float32 values the same way.
 */
export function shortestFloat32(value: number): number {
  const single = Math.fround(value);
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(single.toPrecision(digits));
    if (Math.fround(short) === single) return short;
  }
  return Number(single.toPrecision(9));
}
