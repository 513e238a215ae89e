/** What a probe finds on the host when nothing holds it; the test makes all of it. */
export interface Bait {
  /** A readable file of the host with `secret` in it. */
  readonly file: string;
  readonly secret: string;
  /** A server on this port of the host's loopback. */
  readonly port: number;
  /** A process of the host. */
  readonly pid: number;
}

/** One way out. `code` runs inside the box only; it returns what it got, or throws what held it. */
interface Escape {
  readonly attempt: string;
  readonly code: string;
}

/** Cheap ones: each asks the kernel once or twice. All of them are tried in one process. */
export const ESCAPES: readonly Escape[] = [
  { attempt: "read a file of the host", code: "return read(bait.file)" },
  { attempt: "read it through ..", code: "return read('../'.repeat(20) + bait.file)" },
  {
    attempt: "read it through a link made inside",
    code: "fs.symlinkSync(bait.file, 'out'); return read('out')",
  },
  { attempt: "read it through /proc/1/root", code: "return read('/proc/1/root' + bait.file)" },
  {
    attempt: "secrets in /proc/*/environ",
    code: `const all = fs.readdirSync('/proc').filter((n) => /^\\d+$/.test(n)).map((n) => { try { return read('/proc/' + n + '/environ'); } catch { return ''; } }).join('');
      if (!all.includes(bait.secret)) throw new Error('no secret in any'); return all;`,
  },
  {
    attempt: "paths of the host in a command line",
    code: "const line = read('/proc/1/cmdline'); if (!line.includes('countersign-sandboxes')) throw new Error('none'); return line;",
  },
  {
    attempt: "connect to the host's loopback",
    code: "return await connect('127.0.0.1', bait.port)",
  },
  { attempt: "connect to the outside", code: "return await connect('192.0.2.1', 80)" },
  {
    attempt: "resolve a name",
    code: "return await (await import('node:dns/promises')).lookup('example.com')",
  },
  {
    attempt: "signal a process of the host",
    code: "if (fs.readdirSync('/proc').includes(String(bait.pid)) && bait.pid > 50) return process.kill(bait.pid, 0); process.kill(bait.pid, 0); throw new Error('another process of the box has that id')",
  },
  { attempt: "become root by setuid", code: "process.setuid(0); return process.getuid()" },
  {
    attempt: "gain privileges by a setuid program",
    code: "const held = /NoNewPrivs:\\s+1/.test(read('/proc/self/status')); if (held) throw new Error('no_new_privs'); return 'su would work'",
  },
  {
    attempt: "hold a capability",
    code: "const caps = /CapEff:\\s+(\\w+)/.exec(read('/proc/self/status'))[1]; if (/^0+$/.test(caps)) throw new Error('none'); return caps",
  },
  { attempt: "open a user namespace inside", code: "return sh('unshare', '-Ur', 'true')" },
  { attempt: "mount", code: "return sh('mount', '-t', 'tmpfs', 'x', '/tmp')" },
  { attempt: "write the box's root", code: "fs.writeFileSync('/x', ''); return 'written'" },
  { attempt: "write /usr", code: "fs.writeFileSync('/usr/x', ''); return 'written'" },
  { attempt: "replace node", code: "fs.writeFileSync(process.execPath, ''); return 'written'" },
  { attempt: "write /dev", code: "fs.writeFileSync('/dev/x', ''); return 'written'" },
  { attempt: "read the kernel's memory", code: "return fs.openSync('/proc/kcore')" },
  {
    attempt: "open a disk",
    code: "return fs.readdirSync('/dev').filter((n) => /^(?:[sv]d|nvme|mem|kmsg)/.test(n))[0] ?? fail('none is there')",
  },
];

/** The program that tries them; prints one JSON line an attempt. */
export function probe(bait: Bait): string {
  const tries = ESCAPES.map(
    ({ attempt, code }) => `[${JSON.stringify(attempt)}, async () => { ${code} }]`,
  );
  return `import fs from "node:fs";
import net from "node:net";
import { execFileSync } from "node:child_process";
const bait = ${JSON.stringify(bait)};
const read = (path) => fs.readFileSync(path, "utf8");
const fail = (why) => { throw new Error(why); };
const sh = (...argv) => execFileSync(argv[0], argv.slice(1), { stdio: "pipe" }).toString();
const connect = (host, port) => new Promise((resolve, reject) => {
  const socket = net.connect({ host, port, timeout: 1000 }, () => resolve("connected"));
  socket.on("error", reject).on("timeout", () => reject(new Error("timeout")));
});
for (const [attempt, go] of [${tries.join(",\n")}]) {
  try {
    console.log(JSON.stringify({ attempt, got: String(await go()).slice(0, 200) }));
  } catch (error) {
    console.log(JSON.stringify({ attempt, held: (error.code ?? error.message).toString().split("\\n").at(0) }));
  }
}
`;
}

/** Dear ones: each runs alone against limits that are set low, and ends by itself also where nothing holds it. */
export const FLOODS = {
  processes: `import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
// Node ends when its own threads are refused: they are begun first.
await Promise.all(Array.from({ length: 8 }, () => readFile("/proc/self/status")));
let [started, refused] = [0, 0];
const all = [];
for (let i = 0; i < 100; i++) {
  const child = spawn("/usr/bin/sleep", ["5"]);
  child.on("spawn", () => started++).on("error", () => refused++);
  all.push(new Promise((done) => child.on("spawn", done).on("error", done)));
}
await Promise.all(all);
console.log(JSON.stringify({ started, refused }));
process.exit();`,
  memory: `const all = [];
try { for (let i = 0; i < 32; i++) all.push(Buffer.alloc(32e6, 1)); } catch (error) { console.log("refused:", error.message); process.exit(1); }
console.log("got", all.length * 32, "MB");`,
  file: `import { writeFileSync } from "node:fs";
try { writeFileSync("big", Buffer.alloc(12e6, 1)); console.log("written"); } catch (error) { console.log("refused:", error.code); }`,
  tmp: `import { writeFileSync } from "node:fs";
try { for (let i = 0; i < 4; i++) writeFileSync("/tmp/f" + i, Buffer.alloc(3e6, 1)); console.log("written"); } catch (error) { console.log("refused:", error.code); }`,
  daemon: `import { execFileSync } from "node:child_process";
execFileSync("/usr/bin/setsid", ["-f", "/usr/bin/sleep", process.argv[2]], { stdio: "ignore" });
console.log("left behind");`,
} as const;
