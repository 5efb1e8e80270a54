import { createNativeBls } from "@mach/bls";
import { buildOperatorSet, type OperatorSet } from "@mach/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createSetReader, type ReadSet } from "../src/index.ts";
import { type SlasherNetwork, signersOf, startSlasherNetwork } from "./slasher-network.ts";

let network: SlasherNetwork;
let first: OperatorSet;

beforeAll(async () => {
  network = await startSlasherNetwork();
  first = (await signersOf(network, 1n)).operatorSet;
}, 120_000);

afterAll(() => network?.stop());

/** A reader whose endpoint cannot list operators, and a node that says this of every epoch. */
function readerWith(elsewhere: OperatorSet | null, listed: OperatorSet | null = null): ReadSet {
  const { provider } = network.signer;
  if (provider === null) throw new Error("no provider");
  const reader: Pick<typeof network.reader, "readOperatorSet"> = {
    async readOperatorSet(epoch) {
      if (listed !== null) return await network.reader.readOperatorSet(epoch);
      return { ok: false, code: "l1-unavailable", answered: 0, required: 1 };
    },
  };
  return createSetReader(
    { bls: createNativeBls(), reader, provider, elsewhere: async () => elsewhere },
    { registry: network.registry },
  );
}

test("the registry's own list comes first", async () => {
  const forged = { ...first, totalWeight: 1n };
  expect(await readerWith(forged, first)(1n)).toMatchObject({ ok: true, operatorSet: first });
});

test("a set from elsewhere counts under the registry's hash", async () => {
  expect(await readerWith(first)(1n)).toEqual({ ok: true, operatorSet: first });
});

test("no set from elsewhere counts that the registry did not fix", async () => {
  const second = (await signersOf(network, 2n)).operatorSet;
  const [member] = first.operators;
  if (member === undefined) throw new Error("no operators");
  const operators = [{ ...member, weight: 1n }, ...first.operators.slice(1)];
  const another = buildOperatorSet(createNativeBls(), { epoch: 1n, operators });
  if (!another.ok) throw new Error(another.code);
  for (const forged of [
    null,
    another.operatorSet,
    second,
    { ...second, epoch: 1n },
    { ...first, totalWeight: 1n },
    { ...first, operators },
    { ...first, epoch: 9n },
  ]) {
    expect(await readerWith(forged)(1n)).toMatchObject({ ok: false, code: "l1-unavailable" });
  }
  expect(await readerWith({ ...first, epoch: 9n })(9n)).toMatchObject({ ok: false });
});
