import { expect, it } from "vitest";
import { createEventParser } from "../src/event-source.ts";

function parse(...chunks: readonly string[]): readonly unknown[] {
  const events: unknown[] = [];
  const parser = createEventParser((event, id) => events.push({ ...event, id }));
  for (const chunk of chunks) parser.push(chunk);
  return events;
}

it("events are the same however the stream is cut", () => {
  const text = ': beat\n\nevent: certificate\nid: a-1\ndata: {"a":1}\ndata: 2\n\ndata:x\r\n\r\n';
  const whole = parse(text);
  expect(whole).toEqual([
    { name: "certificate", data: '{"a":1}\n2', id: "a-1" },
    { name: "message", data: "x", id: "a-1" },
  ]);
  expect(parse(...text)).toEqual(whole);
});

it("an event without its empty line is none", () => {
  expect(parse("event: certificate\ndata: 1\n")).toEqual([]);
});

it("a line or an event without end is given up", () => {
  expect(() => parse("x".repeat(1_048_577))).toThrow(RangeError);
  const line = `data: ${"x".repeat(65_536)}\n`;
  expect(() => parse(...Array.from({ length: 17 }, () => line))).toThrow(RangeError);
});
