import { expect, it } from "vitest";
import { createRetriedImport } from "../../src/badge/retried-import.ts";

const ADDRESS = "https://a.example/part-1f.js";

/** A module whose address fails for good once it has failed, as browsers remember it. */
function moduleThat(fails: readonly Error[]) {
  const asked: string[] = [];
  const left = [...fails];
  const answer = (address: string): Promise<string> => {
    asked.push(address);
    const failure = left.shift();
    return failure === undefined ? Promise.resolve("loaded") : Promise.reject(failure);
  };
  const load = createRetriedImport({
    importFirst: () => answer(ADDRESS),
    importFrom: answer,
  });
  return { asked, load };
}

it.each([
  "Failed to fetch dynamically imported module",
  "error loading dynamically imported module",
])("a module is asked for from new addresses after %s", async (words) => {
  const { asked, load } = moduleThat([
    new TypeError(`${words}: ${ADDRESS}`),
    new TypeError(`${words}: ${ADDRESS}?attempt=1`),
  ]);
  await expect(load()).rejects.toThrow(TypeError);
  await expect(load()).rejects.toThrow(TypeError);
  expect(await load()).toBe("loaded");
  expect(asked).toEqual([ADDRESS, `${ADDRESS}?attempt=1`, `${ADDRESS}?attempt=2`]);
});

it("a module whose failure names no address is asked for as before", async () => {
  const { asked, load } = moduleThat([new TypeError("Importing a module script failed.")]);
  await expect(load()).rejects.toThrow(TypeError);
  expect(await load()).toBe("loaded");
  expect(asked).toEqual([ADDRESS, ADDRESS]);
});
