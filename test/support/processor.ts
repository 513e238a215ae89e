/**
 * Milliseconds of this process's processor time that some work takes: on a busy machine the clock tells how long others took.
 * For bounds that are far from what is right, and farther from what a wrong algorithm takes.
 */
export async function processorMs(work: () => unknown): Promise<number> {
  const start = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}
