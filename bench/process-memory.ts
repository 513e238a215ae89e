import { readdirSync, readFileSync } from "node:fs";

/**
 * Watches this process and its children, and tells the peak of their resident memory together, in MB. Children that
 * work for a subject count as the subject's. Sampled every 5 ms; only this process where there is no /proc.
 */
export function watchMemory(): { peakMb(): number } {
  let peak = 0;
  const sample = () => {
    peak = Math.max(peak, residentMb(process.pid));
  };
  setInterval(sample, 5).unref();
  return {
    peakMb() {
      sample();
      // maxRSS is in kilobytes; it misses no peak, but knows only this process.
      return Math.max(peak, process.resourceUsage().maxRSS / 1000);
    },
  };
}

function residentMb(pid: number): number {
  try {
    const [, pages = "0"] = readFileSync(`/proc/${pid}/statm`, "utf8").split(" ");
    const own = (Number(pages) * 4096) / 1e6;
    return own + childrenOf(pid).reduce((sum, child) => sum + residentMb(child), 0);
  } catch {
    // It ended between two reads, or this system has no /proc.
    return 0;
  }
}

function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "utf8")
      .split(" ")
      .filter((child) => child !== "")
      .map(Number),
  );
}
