import { expect, it } from "vitest";
import { redact } from "../../src/config/redaction.ts";

it.each([
  ["http://127.0.0.1:8545", "http://127.0.0.1:8545"],
  ["https://rpc.example.org/", "https://rpc.example.org/"],
  ["https://rpc.example.org/v2/s3cret", "https://rpc.example.org/***"],
  ["https://rpc.example.org?key=s3cret", "https://rpc.example.org/?***"],
  ["https://rpc.example.org/#s3cret", "https://rpc.example.org/?***"],
  ["https://s3cret@rpc.example.org", "https://***@rpc.example.org/"],
  ["wss://name:s3cret@rpc.example.org/a", "wss://***:***@rpc.example.org/***"],
  ["postgres://mach:s3cret@10.0.0.9/mach", "postgres://mach:***@10.0.0.9/mach"],
  ["postgresql://mach@h/mach?password=s3cret", "postgresql://mach@h/mach?***"],
  ["s3cret://[", "***"],
])("shows %s as %s", (url, shown) => {
  expect(redact(url)).toBe(shown);
});

it("goes into lists and sections, and leaves what is no URL", () => {
  const value = { a: ["http://h/s3cret", "x"], b: { c: 1n, d: "/ip4/192.0.2.1/tcp/1" } };
  expect(redact(value)).toEqual({
    a: ["http://h/***", "x"],
    b: { c: 1n, d: "/ip4/192.0.2.1/tcp/1" },
  });
});
