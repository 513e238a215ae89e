/** The last thing that a subject does. */
export function reportFigures(figures: Readonly<Record<string, number>>): void {
  // maxRSS is in kilobytes.
  const peakMb = process.resourceUsage().maxRSS / 1000;
  console.log(JSON.stringify({ peakMb, ...figures }));
}

/** Milliseconds that one call takes on the clock. */
export async function timed(work: () => unknown): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** Milliseconds of processor time of one call, all threads together: what one core needs, on a busy machine too. */
export async function cpuTimed(work: () => unknown): Promise<number> {
  const start = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}
