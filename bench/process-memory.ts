import { readdirSync, readFileSync } from "node:fs";

/** Peaks, in MB, of the memory of a process and its children together. */
export interface PeakMemory {
  /** Resident memory, summed: what the processes share is counted in each of them. */
  readonly peakMb: number;
  /** The same with clean pages of files, which is the program itself, counted in the first process alone. */
  readonly peakDistinctMb: number;
}

/**
 * Watches this process and its children. Children that work for a subject count as the subject's. Sampled every 10 ms; only
 * this process where there is no /proc.
 */
export function watchMemory(): { peak(): PeakMemory } {
  let resident = 0;
  let distinct = 0;
  const sample = () => {
    const [own, ...children] = [process.pid, ...descendantsOf(process.pid)].map(memoryOf);
    const sum = [own, ...children].reduce((mb, memory) => mb + (memory?.resident ?? 0), 0);
    resident = Math.max(resident, sum);
    distinct = Math.max(distinct, sum - children.reduce((mb, { files }) => mb + files, 0));
  };
  setInterval(sample, 10).unref();
  return {
    peak() {
      sample();
      // maxRSS is in kilobytes; it misses no peak, but knows only this process.
      const own = process.resourceUsage().maxRSS / 1000;
      return { peakMb: Math.max(resident, own), peakDistinctMb: Math.max(distinct, own) };
    },
  };
}

/** In MB: everything that is resident, and how much of it are pages of files. */
function memoryOf(pid: number): { resident: number; files: number } {
  try {
    const [, pages = "0", shared = "0"] = readFileSync(`/proc/${pid}/statm`, "utf8").split(" ");
    return { resident: (Number(pages) * 4096) / 1e6, files: (Number(shared) * 4096) / 1e6 };
  } catch {
    // It ended between two reads, or this system has no /proc.
    return { resident: 0, files: 0 };
  }
}

function descendantsOf(pid: number): number[] {
  try {
    const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, "utf8")
        .split(" ")
        .filter((child) => child !== "")
        .map(Number),
    );
    return children.flatMap((child) => [child, ...descendantsOf(child)]);
  } catch {
    // As above.
    return [];
  }
}
