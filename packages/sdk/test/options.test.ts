import { describe, expect, it } from "vitest";
import { createMachClient } from "../src/index.ts";
import { NETWORK, setOf } from "./signed-network.ts";

const TRUST = { epoch: 2n, operatorSetHash: setOf(2n).operatorSetHash };

describe("options", () => {
  it.each([
    ["no endpoint", { endpoints: [] }],
    ["an endpoint twice", { endpoints: ["http://a.example", "http://a.example/"] }],
    ["an endpoint with a path", { endpoints: ["http://a.example/v1"] }],
    ["an endpoint with credentials", { endpoints: ["http://me:secret@a.example"] }],
    ["no URL", { endpoints: ["a.example"] }],
    ["more agreement than endpoints", { agree: 2 }],
    ["a registry in upper case", { network: { ...NETWORK, registry: "0xAB" as const } }],
    ["no epochs", { network: { ...NETWORK, epochSeconds: 0n } }],
    ["no hash", { trust: { epoch: 1n, operatorSetHash: "0x12" as const } }],
    ["no L1", { trust: { l1: { rpcUrls: [] } } }],
    ["an impossible age", { policy: { maxAgeMs: 0 } }],
  ])("with %s are refused at once", (_, wrong) => {
    const options = { endpoints: ["http://a.example"], network: NETWORK, trust: TRUST };
    expect(() => createMachClient({ ...options, ...wrong })).toThrow(
      expect.objectContaining({ code: "bad-option" }),
    );
  });
});
