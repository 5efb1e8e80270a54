import { mkdir, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { encodeKeptBlock, type InvalidBlock } from "@mach/execution";
import type { BlockId } from "./executed-branch.ts";

/** The blocks that were found invalid, each a file that `mach execute` finds invalid again. */
export interface InvalidBlocks {
  /** Keeps a block. Rejects where it cannot be written, or is too large. */
  keep(rollupId: bigint, invalid: InvalidBlock): Promise<void>;
  /** Its file, from the data folder on; null where this process has kept none. */
  fileOf(block: BlockId): string | null;
}

export const INVALID_BLOCKS_FOLDER = "invalid-blocks";
const MAX_FILES = 16;
/** As JSON a witness takes twice as much, which has to fit into one string. */
const MAX_WITNESS_BYTES = 64 * 1024 * 1024;

/** Keeps them in a folder of the data folder, the newest 16. */
export function createInvalidBlocks(dataDir: string): InvalidBlocks {
  const folder = join(dataDir, INVALID_BLOCKS_FOLDER);
  const files = new Map<string, string>();
  return {
    async keep(rollupId, { blockHash, blockNumber, input }) {
      const size = input.witness.reduce((sum, each) => sum + each.length, 0);
      const document = size > MAX_WITNESS_BYTES ? null : encodeKeptBlock(input);
      if (document === null) throw new Error("the block is too large to be kept");
      const name = `${rollupId}-${blockNumber}-${blockHash.slice(2, 18)}.json.gz`;
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const temporary = join(folder, `${name}.tmp`);
      await writeFile(temporary, await promisify(gzip)(JSON.stringify(document)), { mode: 0o600 });
      await rename(temporary, join(folder, name));
      files.set(blockHash, `${INVALID_BLOCKS_FOLDER}/${name}`);
      for (const old of await oldest(folder)) {
        await rm(join(folder, old), { force: true });
        for (const [hash, file] of files) if (file.endsWith(`/${old}`)) files.delete(hash);
      }
    },
    fileOf: ({ blockHash }) => files.get(blockHash) ?? null,
  };
}

/** What is more than may be kept. */
async function oldest(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder);
  const dated = await Promise.all(
    names.map(async (name) => ({ name, at: (await stat(join(folder, name))).mtimeMs })),
  );
  const sorted = dated.toSorted((a, b) => b.at - a.at || (a.name < b.name ? 1 : -1));
  return sorted.slice(MAX_FILES).map(({ name }) => name);
}
