import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { writeNewFile } from "../../src/cli/new-file.ts";
import { documentFolder } from "./cli-runs.ts";

const folder = documentFolder();

function failing(code: string): () => never {
  return () => {
    throw Object.assign(new Error(code), { code });
  };
}

describe.each([
  ["with links", undefined],
  ["without links", failing("EPERM")],
])("a new file on a file system %s", (name, link) => {
  it("is whole, its owner's alone, and takes no other file's place", () => {
    const path = join(folder.path, name.replace(" ", "-"));
    expect(writeNewFile(path, "first", link)).toBe(true);
    expect(writeNewFile(path, "second", link)).toBe(false);
    expect(readFileSync(path, "utf8")).toBe("first");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder.path).filter((each) => each.startsWith("."))).toEqual([]);
  });
});

it("says why it cannot be written, and leaves nothing", () => {
  const path = join(folder.path, "full");
  expect(() => writeNewFile(path, "", failing("ENOSPC"))).toThrow("ENOSPC");
  expect(() => writeNewFile(join(path, "below"), "")).toThrow("ENOENT");
  expect(readdirSync(folder.path).filter((each) => each.includes("full"))).toEqual([]);
});
