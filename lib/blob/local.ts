import { constants } from "node:fs";
import { copyFile, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { NotFound } from "#lib/errors.ts";
import { type BlobStore, checkKey } from "./port.ts";
import { removeStaleSpools, spool } from "./spool.ts";

/**
 * Blobs as files below `dir`. Content is written aside, synced and renamed, so a crash at any moment leaves a key
 * whole or absent. Keys cannot start with `.`, so the spool directory is out of their reach.
 */
export function localBlobStore(dir: string): BlobStore {
  const root = resolve(dir);
  const spoolDir = join(root, ".spool");
  const pathOf = (key: string) => join(root, checkKey(key));
  let swept: Promise<void> | undefined;

  return {
    async put(key, content, limits) {
      const target = pathOf(key);
      swept ??= removeStaleSpools(spoolDir);
      await swept;
      const { path, size, sha256 } = await spool(spoolDir, content, limits);
      try {
        await mkdir(dirname(target), { recursive: true });
        await rename(path, target);
        await syncDirectory(dirname(target));
        return { key, size, sha256 };
      } catch (error) {
        await rm(path, { force: true });
        throw error;
      }
    },

    async get(key) {
      const handle = await open(pathOf(key)).catch(absentIsNotFound(key));
      return handle.createReadStream();
    },

    async getToFile(key, path) {
      await copyFile(pathOf(key), path, constants.COPYFILE_FICLONE).catch(absentIsNotFound(key));
    },

    async head(key) {
      const info = await stat(pathOf(key), { throwIfNoEntry: false });
      return info?.isFile() ? { size: info.size } : null;
    },

    async usage(prefix) {
      const found = readdir(pathOf(prefix), { recursive: true, withFileTypes: true });
      const entries = await found.catch(absentIsEmpty);
      const usage = { blobs: 0, bytes: 0 };
      for (const entry of entries.filter((one) => one.isFile())) {
        const info = await stat(join(entry.parentPath, entry.name), { throwIfNoEntry: false });
        if (info) usage.blobs += 1;
        usage.bytes += info?.size ?? 0;
      }
      return usage;
    },

    async folders(prefix, { limit, cursor }) {
      const entries = await readdir(pathOf(prefix), { withFileTypes: true }).catch(absentIsEmpty);
      const all = entries.filter((one) => one.isDirectory()).map(({ name }) => name);
      // A name is its own cursor: one that came or went meanwhile moves no other.
      const left = all.sort().filter((name) => cursor === null || name > cursor);
      const names = left.slice(0, limit);
      return { names, cursor: left.length > limit ? (names.at(-1) ?? null) : null };
    },

    async delete(key) {
      await rm(pathOf(key), { force: true });
    },

    async deletePrefix(prefix) {
      await rm(pathOf(prefix), { recursive: true, force: true });
    },
  };
}

/** A rename is durable only once its directory is; Windows can neither open nor sync one. */
async function syncDirectory(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(path);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function absentIsEmpty(error: NodeJS.ErrnoException): [] {
  if (error.code === "ENOENT" || error.code === "ENOTDIR") return [];
  throw error;
}

function absentIsNotFound(key: string): (error: NodeJS.ErrnoException) => never {
  return (error) => {
    if (error.code !== "ENOENT" && error.code !== "ENOTDIR") throw error;
    throw new NotFound("blob_not_found", "No such blob", { key }, error);
  };
}
