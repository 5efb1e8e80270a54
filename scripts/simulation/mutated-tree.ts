import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { applyEdit, editsOf, type Mutation } from "./mutation.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** A copy of the code that the simulator runs, to be broken. */
export interface MutatedTree {
  readonly root: string;
  /** Puts one break in; the one before is taken out. */
  apply(mutation: Mutation): void;
  remove(): void;
}

/** Copies `core`, the simulator and its worker to a temporary folder; the packages stay shared. */
export function createMutatedTree(): MutatedTree {
  const root = mkdtempSync(join(tmpdir(), "mach-mutation-"));
  for (const name of ["core", "simulator"]) {
    for (const part of ["src", "package.json"]) {
      cpSync(join(ROOT, "packages", name, part), join(root, "packages", name, part), {
        recursive: true,
      });
    }
  }
  cpSync(join(ROOT, "scripts/simulation"), join(root, "scripts/simulation"), { recursive: true });
  cpSync(join(ROOT, "package.json"), join(root, "package.json"));
  link(join(ROOT, "node_modules/tsx"), join(root, "node_modules/tsx"));
  link(join(ROOT, "packages/core/node_modules"), join(root, "packages/core/node_modules"));
  for (const from of ["node_modules", "packages/simulator/node_modules"]) {
    for (const name of ["core", "simulator"]) {
      link(join(root, "packages", name), join(root, from, "@mach", name));
    }
  }
  let originals = new Map<string, string>();
  return {
    root,
    apply(mutation) {
      for (const [path, source] of originals) writeFileSync(path, source);
      originals = new Map();
      for (const edit of editsOf(mutation)) {
        const path = join(root, "packages", edit.file);
        const source = readFileSync(path, "utf8");
        if (!originals.has(path)) originals.set(path, source);
        writeFileSync(path, applyEdit(source, edit));
      }
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

function link(target: string, path: string): void {
  mkdirSync(join(path, ".."), { recursive: true });
  symlinkSync(target, path);
}
