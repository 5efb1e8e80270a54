import fc from "fast-check";
import { expect, it } from "vitest";
import { elementTexts, memberTexts } from "../src/raw-json.ts";

const spaces = fc.constantFrom("", " ", "\n\t");

it("each member's text is what was written, with the digits that no double holds", () => {
  const text = '{ "id" : 12345678901234567890 ,"result":{"a":[1.0,"}"]}, "\\u0061" :"\\\\" }';
  expect([...memberTexts(text)]).toEqual([
    ["id", "12345678901234567890"],
    ["result", '{"a":[1.0,"}"]}'],
    ["a", '"\\\\"'],
  ]);
  expect(memberTexts('{"a":1,"a":2}').get("a")).toBe("2");
  expect(memberTexts(" {} ").size).toBe(0);
  expect(elementTexts(" [ ] ")).toEqual([]);
});

it("the parts of any object and array are the texts that they were made of", () => {
  const values = fc.array(fc.tuple(fc.string(), fc.json()), { maxLength: 6 });
  fc.assert(
    fc.property(values, spaces, (entries, space) => {
      const unique = [...new Map(entries)];
      const members = unique.map(
        ([name, text]) => `${JSON.stringify(name)}${space}:${space}${text}`,
      );
      expect([
        ...memberTexts(`${space}{${space}${members.join(`${space},${space}`)}${space}}`),
      ]).toEqual(unique);
      const texts = unique.map(([, text]) => text);
      expect(elementTexts(`${space}[${space}${texts.join(`${space},`)}${space}]`)).toEqual(texts);
    }),
  );
});
