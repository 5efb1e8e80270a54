import bls from "@chainsafe/bls";
import { getImplementation } from "@chainsafe/bls/getImplementation";
import { expect, it } from "vitest";
import { loadNativeLibrary } from "../src/native-library.ts";
import { blst } from "./vector-files.ts";

it("the slower library that @chainsafe/bls falls back to is refused", async () => {
  const fallback = await getImplementation("herumi");
  expect(() => loadNativeLibrary({ bls: fallback, loadBlst: () => blst })).toThrow(
    expect.objectContaining({ name: "BlsError", code: "native-unavailable" }),
  );
});

it("a platform without a binary is named with its cause", () => {
  const cause = new Error("Cannot find native binding");
  const loadBlst = (): never => {
    throw cause;
  };
  expect(() => loadNativeLibrary({ bls, loadBlst })).toThrow(
    expect.objectContaining({ code: "native-unavailable", cause }),
  );
});
