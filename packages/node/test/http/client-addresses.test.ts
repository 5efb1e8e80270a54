import type { IncomingMessage } from "node:http";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createClientAddresses, isNetwork } from "../../src/http/client-addresses.ts";

function requestFrom(remoteAddress: string, forwarded?: string): IncomingMessage {
  const headers = forwarded === undefined ? {} : { "x-forwarded-for": forwarded };
  return { socket: { remoteAddress }, headers } as unknown as IncomingMessage;
}

describe("the address that a request counts for", () => {
  const plain = createClientAddresses([]);
  const behind = createClientAddresses(["127.0.0.1", "10.0.0.0/8", "fd00::/8"]);

  test.each([
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:db8:1:2::9", "2001:db8:1:2::/64"],
    ["2001:0DB8:0001:0002::1", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["64:ff9b::192.0.2.1", "64:ff9b:0:0::/64"],
    ["1::2:3:4:5:6:192.0.2.1", "1:2:3:4::/64"],
  ])("%s counts as %s", (remote, client) => {
    expect(plain.of(requestFrom(remote))).toBe(client);
  });

  test("a header is believed of proxies that are named, and of nobody else", () => {
    expect(plain.of(requestFrom("127.0.0.1", "192.0.2.1"))).toBe("127.0.0.1");
    expect(behind.of(requestFrom("192.0.2.9", "192.0.2.1"))).toBe("192.0.2.9");
    expect(behind.of(requestFrom("127.0.0.1", "192.0.2.1"))).toBe("192.0.2.1");
    expect(behind.of(requestFrom("::ffff:127.0.0.1", "192.0.2.1"))).toBe("192.0.2.1");
    expect(behind.of(requestFrom("fd00::5", "2001:db8::1, 10.1.2.3"))).toBe("2001:db8:0:0::/64");
  });

  test("what a client writes before its proxy does names nobody", () => {
    const forged = "203.0.113.7, 10.9.9.9, 192.0.2.1";
    expect(behind.of(requestFrom("127.0.0.1", forged))).toBe("192.0.2.1");
    expect(behind.of(requestFrom("127.0.0.1", `${forged}, 10.0.0.1`))).toBe("192.0.2.1");
  });

  test("where a proxy names nobody, it counts itself", () => {
    for (const header of [undefined, "", "unknown", "192.0.2.1:4711", "x, 10.0.0.2"]) {
      const client = behind.of(requestFrom("127.0.0.1", header));
      expect(client).toBe(header === "x, 10.0.0.2" ? "10.0.0.2" : "127.0.0.1");
    }
  });

  test("all of a network of 64 bits is one, and another is another", () => {
    const group = fc.integer({ min: 0, max: 0xffff }).map((each) => each.toString(16));
    const half = fc.tuple(group, group, group, group);
    fc.assert(
      fc.property(half, half, half, (network, one, other) => {
        const of = (host: readonly string[], net: readonly string[] = network): string =>
          plain.of(requestFrom([...net, ...host].join(":")));
        expect(of(one)).toBe(of(other));
        expect(of(one)).toBe(`${network.join(":")}::/64`);
        expect(of(one, other) === of(one)).toBe(other.join(":") === network.join(":"));
      }),
    );
  });
});

test("a network is an address, or one with a length that fits it", () => {
  for (const good of ["10.0.0.1", "10.0.0.0/8", "::1", "2001:db8::/32", "0.0.0.0/0"]) {
    expect(isNetwork(good)).toBe(true);
  }
  for (const bad of ["", "10.0.0", "10.0.0.0/33", "::/129", "proxy.example", "10.0.0.1/8/8", "1"]) {
    expect(isNetwork(bad)).toBe(false);
  }
});
