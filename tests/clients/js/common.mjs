// What every client is asked, whatever its own calls look like: as python/common.py, for clients in JavaScript.
//
//   ask(model, user, {system, stream, key}) -> {text, pieces, end, tokens}   one question
//   user(text) -> items                                                      of a conversation, that ask something
//   talk(model, history, stream) -> {text, calls}                            asks with TOOLS, and appends the answer
//   results(calls, outputs) -> items                                         that answer its calls
//   image(model, {data, url}) -> text                                        asks about a picture
//   structured(model) -> object                                              asks for an answer by the schema Person
//   status(error) -> number                                                  the HTTP status in the client's own exception

import { deepStrictEqual, ok } from "node:assert";
import { readFileSync } from "node:fs";
import { z } from "zod";

export const BASE = process.env.CLIENTS_BASE;
export const KEY = process.env.CLIENTS_KEY;
const IMAGE_URL = process.env.CLIENTS_IMAGE;
const here = (name) => new URL(`../${name}`, import.meta.url);
const MATRIX = JSON.parse(readFileSync(here("matrix.json")));
const PNG = readFileSync(here("dot.png"));

export const TOOLS = [
  {
    name: "get_weather",
    description: "The weather of a city",
    parameters: {
      type: "object",
      properties: {
        city: { type: "string", enum: ["Lisbon", "成都"] },
        days: { type: "array", items: { type: "integer" } },
      },
      required: ["city", "days"],
      additionalProperties: false,
    },
  },
  {
    name: "get_time",
    description: "The time in a zone",
    parameters: {
      type: "object",
      properties: { zone: { type: "string" } },
      required: ["zone"],
      additionalProperties: false,
    },
  },
];
const WANTED = [
  ["get_weather", { city: "Lisbon", days: [42] }],
  ["get_time", { zone: "simulated" }],
];
export const Person = z.object({ name: z.string(), tags: z.array(z.int()), size: z.enum(["S", "M"]) });
const GOOD_ENDS = ["stop", "end_turn", "STOP", "completed", undefined];

// What the clients print is not ours.
console.log = console.info = console.debug = console.error;

const check = (holds, what, value) => ok(holds, `${what}: ${JSON.stringify(value)}`);

const CASES = {
  async text(client, model) {
    const said = await client.ask(model("sim-echo"), "Hello, 成都", { system: "Be brief." });
    check(said.text.includes("System: Be brief.") && said.text.includes("Hello, 成都"), "text", said);
    check(GOOD_ENDS.includes(said.end), "end", said);
    check(!said.tokens || Math.min(...said.tokens) > 0, "tokens", said);
  },

  async stream(client, model) {
    const asked = [model("sim-fast"), "Hello"];
    const whole = await client.ask(...asked, { system: "Be brief." });
    const said = await client.ask(...asked, { system: "Be brief.", stream: true });
    check(said.text === whole.text && said.text.length > 200, "text", [said.text, whole.text]);
    check(said.pieces > 20, "pieces", said.pieces);
    check(GOOD_ENDS.includes(said.end), "end", said.end);
    deepStrictEqual(said.tokens, whole.tokens);
  },

  async tools(client, model) {
    const history = [];
    const ids = new Set();
    for (let turn = 0; turn < 3; turn++) {
      history.push(...client.user(`Question ${turn}`));
      const talk = () => client.talk(model("sim-signed"), history, turn === 1);
      let said = await talk();
      let steps = 0;
      let outputs;
      while (said.calls.length) {
        steps++;
        deepStrictEqual(said.calls.map((call) => [call.name, call.arguments]), WANTED);
        for (const { id } of said.calls.filter((call) => call.id)) {
          check(!ids.has(id), "an id came twice", id);
          ids.add(id);
        }
        outputs = said.calls.map((call) => `${call.name}: ${turn}.${steps}, 18 °C`);
        history.push(...client.results(said.calls, outputs));
        said = await talk();
      }
      check(steps === 2, `turn ${turn}: ${steps} steps`, said);
      check(outputs.every((output) => said.text.includes(`- ${output}`)), `turn ${turn}`, said);
    }
  },

  async image(client, model) {
    const said = await client.image(model("sim-echo"), { data: PNG });
    check(said.includes(`[image/png, ${PNG.length} bytes]`) && said.includes("What is it?"), "image", said);
  },

  async "image by URL"(client, model) {
    const said = await client.image(model("sim-echo"), { url: IMAGE_URL });
    const is = said.includes(`[image/png, ${PNG.length} bytes]`) || said.includes("[a file by URL");
    check(is && said.includes("What is it?"), "image", said);
  },

  async structured(client, model) {
    deepStrictEqual(await client.structured(model("sim-json")), { name: "simulated", tags: [42], size: "S" });
  },

  401: (client, model) => refused(client, 401, "tokenscope serve --print-token", model("sim-fast"), { key: "wrong" }),
  404: (client, model) => refused(client, 404, "No route leads to a model", model("sim-none"), {}),
  429: (client, model) => refused(client, 429, "rate limit reached", model("sim-rate-limited"), {}),

  // An answer that breaks off is never taken for a whole one.
  async "broken stream"(client, model) {
    for (const stream of [false, true]) {
      const error = await failure(() => client.ask(model("sim-cut"), "Hi", { stream }));
      check(!["AssertionError", "ReferenceError"].includes(error.name), `stream=${stream}`, String(error));
    }
  },
};

// Both ways of asking end in the client's own exception, with the status and the words.
async function refused(client, wanted, words, model, more) {
  for (const stream of [false, true]) {
    const error = await failure(() => client.ask(model, "Hi", { stream, ...more }));
    check(client.status(error) === wanted, `stream=${stream}: ${client.status(error)}, not ${wanted}`, String(error));
    check(String(error).includes(words), `stream=${stream}`, String(error));
  }
}

async function failure(ask) {
  let said;
  try {
    said = await ask();
  } catch (error) {
    return error;
  }
  ok(false, `no exception, but ${JSON.stringify(said)}`);
}

// Prints the cells of a client. Arguments limit them to upstreams and cases of these names.
export async function run(client) {
  const only = process.argv.slice(2);
  const named = (names) => only.length === 0 || !only.some((o) => names.includes(o)) ? names : names.filter((n) => only.includes(n));
  await Promise.all(
    named(Object.keys(MATRIX.upstreams)).map(async (upstream) => {
      const model = (simulated) => `${MATRIX.upstreams[upstream].prefix}-${MATRIX.models[simulated] ?? "none"}`;
      for (const name of named(Object.keys(MATRIX.cases))) {
        let why = null;
        try {
          await CASES[name](client, model);
        } catch (error) {
          why = `${error?.name}: ${error?.message ?? error}`.slice(0, 600);
          if (only.length) console.error(error);
        }
        process.stdout.write(`${JSON.stringify({ upstream, case: name, why })}\n`);
      }
    }),
  );
  process.exit(0);
}
