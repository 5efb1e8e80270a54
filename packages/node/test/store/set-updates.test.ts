import { type Hex, type SetUpdate, toSetUpdate } from "@mach/core";
import { expect, test } from "vitest";
import { hashOf, IDENTITY } from "../signer/test-claims.ts";
import { lockedFolder } from "../signer/test-folders.ts";
import { describeStores, lmdbStoreIn } from "./stores.ts";

function updateOf(epoch: bigint, signers: Hex = "0x07"): SetUpdate {
  return {
    version: 1,
    domain: IDENTITY.domain,
    epoch,
    operatorSetHash: hashOf(`set ${epoch}`),
    signedBy: hashOf(`set ${epoch - 1n}`),
    signers,
    signature: `0x${"8e".repeat(96)}`,
  };
}

describeStores("a store", (createStore) => {
  test("keeps the set update that was put last, without what verification added", async () => {
    const store = await createStore();
    expect(await store.setUpdateOf(4n)).toBeNull();
    expect(await store.putSetUpdate(updateOf(4n, "0x07"))).toEqual({ ok: true });
    const verified = { ...updateOf(4n, "0x0f"), signedWeight: 100n, digest: hashOf("digest") };
    expect(await store.putSetUpdate(verified)).toEqual({ ok: true });
    expect(await store.setUpdateOf(4n)).toEqual(toSetUpdate(verified));
    expect(await store.setUpdateOf(5n)).toBeNull();
  });

  test("does not keep that of another network", async () => {
    const store = await createStore();
    const update = { ...updateOf(4n), domain: { ...IDENTITY.domain, chainId: 1n } };
    expect(await store.putSetUpdate(update)).toEqual({ ok: false, code: "wrong-domain" });
    expect(await store.setUpdateOf(4n)).toBeNull();
  });
});

test("a restart keeps the set updates that are on disk", async () => {
  const folder = await lockedFolder();
  const before = await lmdbStoreIn(folder);
  await before.putSetUpdate(updateOf(3n));
  await before.putSetUpdate(updateOf(4n));
  await before.stop();

  const after = await lmdbStoreIn(folder);
  expect(await after.setUpdateOf(3n)).toEqual(updateOf(3n));
  expect(await after.setUpdateOf(4n)).toEqual(updateOf(4n));
});
