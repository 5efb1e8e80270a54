import { describe, expect, it } from "vitest";
import { type Endpoint, endpointsToAsk } from "../src/head-view.ts";

function endpoint(host: string, given: { announced?: boolean; ready?: boolean } = {}): Endpoint {
  const { announced = false, ready = true } = given;
  return { host, isReady: ready, hasAnnounced: (blockNumber) => announced && blockNumber === 7n };
}

describe("who is asked for a height", () => {
  const pushed = endpoint("a", { announced: true });
  const beside = endpoint("a");
  const other = endpoint("b");

  it("of a host that has announced the block, only the endpoint that did", () => {
    expect(endpointsToAsk([beside, pushed, other], 7n)).toEqual([pushed, other]);
  });

  it("everyone, where nobody has announced that height", () => {
    expect(endpointsToAsk([beside, pushed, other], 8n)).toEqual([beside, pushed, other]);
  });

  it("also an endpoint beside it that was found faulty, so that it can show itself sound", () => {
    const faulty = endpoint("a", { ready: false });
    expect(endpointsToAsk([pushed, faulty], 7n)).toEqual([pushed, faulty]);
  });

  it("both, where both have announced it", () => {
    const too = endpoint("a", { announced: true });
    expect(endpointsToAsk([pushed, too], 7n)).toEqual([pushed, too]);
  });
});
