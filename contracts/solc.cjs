#!/usr/bin/env node
// forge downloads its compiler by default. This answers in the compiler's place with the one from
// npm, so that contracts build offline and with the version that the lockfile pins.
const { readFileSync } = require("node:fs");
const { resolve } = require("node:path");
const solc = require("solc");

// forge names what a dependency imports by its absolute path, where solc looks for it relative to
// the importing file: what it does not find by name it reads from there.
function findImport(path) {
  try {
    return { contents: readFileSync(resolve(__dirname, path), "utf8") };
  } catch (error) {
    return { error: String(error) };
  }
}

if (process.argv.includes("--version")) {
  const banner = "solc, the solidity compiler commandline interface";
  process.stdout.write(`${banner}\nVersion: ${solc.version()}\n`);
} else {
  process.stdout.write(solc.compile(readFileSync(0, "utf8"), { import: findImport }));
}
