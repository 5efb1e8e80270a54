import { writeSync } from "node:fs";
import { openDataFolder } from "../src/data-folder.ts";

/** Holds a data folder until it is killed, and says whether it could. */
const [path = ""] = process.argv.slice(2);

const result = await openDataFolder(path);
writeSync(1, result.ok ? "held\n" : `${result.code} ${"pid" in result ? result.pid : ""}\n`);
if (result.ok) setInterval(() => {}, 1 << 30);
