// A process of its own that opens the signing record before the node does, because damage in the
// pages behind its rows ends the process that maps them: then it is this one. Plain JavaScript, so
// that it starts at once, from source as from a build.
import { open } from "lmdb";

const MAX_ROWS = 200_000;
const COMMITS = 4;

const [path = ""] = process.argv.slice(2);
const rows = open(path, {
  encoding: "binary",
  keyEncoding: "binary",
  noSubdir: false,
  overlappingSync: false,
});
const key = Buffer.from("probe");
for (const row of rows.getRange({ limit: MAX_ROWS })) rows.get(row.key);
for (const row of rows.getRange({ limit: MAX_ROWS, reverse: true })) rows.get(row.key);
// A database without rows stays without: the node tells it from one that is somebody's.
const commits = rows.getKeysCount({ limit: 1 }) === 0 ? 0 : COMMITS;
for (let commit = 0; commit < commits; commit++) {
  rows.transactionSync(() => {
    void rows.put(key, Buffer.from(`${Date.now()}/${commit}`));
  });
}
await rows.close();
