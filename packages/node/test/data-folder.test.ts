import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, onTestFinished, test } from "vitest";
import { type DataFolder, openDataFolder } from "../src/data-folder.ts";
import { temporaryPath } from "./signer/test-folders.ts";

const CHILD = new URL("./folder-child.ts", import.meta.url).pathname;

interface Holder {
  readonly child: ChildProcess;
  /** What the child says of the folder: "held", or the code and pid of its refusal. */
  readonly answer: string;
}

async function runHolder(path: string): Promise<Holder> {
  const flags = ["--conditions=@mach/source", "--import", "tsx"];
  const child = spawn(process.execPath, [...flags, CHILD, path], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  const [answer] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  return { child, answer };
}

async function hold(path: string): Promise<DataFolder> {
  const result = await openDataFolder(path);
  if (!result.ok) throw new Error(result.code, { cause: result });
  onTestFinished(() => result.folder.release());
  return result.folder;
}

test("a folder is made where it is missing and free again when it is released", async () => {
  const path = join(await temporaryPath(), "deep", "folder");
  const first = await hold(path);
  expect(first.path).toBe(path);
  await first.release();
  const second = await hold(path);
  await second.release();
  expect(await readdir(join(path, "lock"))).toEqual([]);
});

test("a second holder in the same process is refused", async () => {
  const path = await temporaryPath();
  await hold(path);
  expect(await openDataFolder(path)).toEqual({
    ok: false,
    code: "folder-locked",
    pid: process.pid,
  });
});

test("a folder that another process holds is refused, naming it, until that one dies", async () => {
  const path = await temporaryPath();
  const holder = await runHolder(path);
  expect(holder.answer).toBe("held");
  expect(await openDataFolder(path)).toEqual({
    ok: false,
    code: "folder-locked",
    pid: holder.child.pid,
  });
  const exited = once(holder.child, "exit");
  holder.child.kill("SIGKILL");
  await exited;
  const folder = await hold(path);
  // What the dead process left is gone, and there is only the one socket of this process.
  expect(await readdir(join(path, "lock"))).toHaveLength(1);
  expect((await runHolder(path)).answer).toBe(`folder-locked ${process.pid}`);
  await folder.release();
  expect((await runHolder(path)).answer).toBe("held");
});

test("a holder that is stopped and does nothing holds on", async () => {
  const path = await temporaryPath();
  const { child } = await runHolder(path);
  child.kill("SIGSTOP");
  expect(await openDataFolder(path)).toMatchObject({ code: "folder-locked", pid: child.pid });
});

test("of many that start together at most one holds the folder", async () => {
  for (let trial = 0; trial < 5; trial++) {
    const path = await temporaryPath();
    const results = await Promise.all(Array.from({ length: 8 }, () => openDataFolder(path)));
    const held = results.filter((result) => result.ok);
    expect(held.length).toBeLessThanOrEqual(1);
    for (const { folder } of held) await folder.release();
    await (await hold(path)).release();
  }
});

test("of two that start together one holds the folder", async () => {
  const path = await temporaryPath();
  const results = await Promise.all([openDataFolder(path), openDataFolder(path)]);
  const held = results.filter((result) => result.ok);
  expect(held).toHaveLength(1);
  for (const { folder } of held) await folder.release();
});

test("a folder whose path is too long for a socket is locked all the same", async () => {
  const path = join(await temporaryPath(), "x".repeat(150));
  const folder = await hold(path);
  expect(await openDataFolder(path)).toMatchObject({ code: "folder-locked" });
  await folder.release();
  await (await hold(path)).release();
});

test("a folder that cannot be made is unusable", async () => {
  const path = await temporaryPath();
  await writeFile(join(path, "file"), "");
  expect(await openDataFolder(join(path, "file", "folder"))).toMatchObject({
    ok: false,
    code: "folder-unusable",
  });
});

test("files of others in the lock's folder are left alone", async () => {
  const path = await temporaryPath();
  await mkdir(join(path, "lock"));
  await writeFile(join(path, "lock", "notes.txt"), "");
  await hold(path);
  expect(await readdir(join(path, "lock"))).toContain("notes.txt");
});
