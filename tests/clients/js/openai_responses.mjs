// `openai`, responses.

import OpenAI from "openai";
import { zodTextFormat } from "openai/helpers/zod";
import { BASE, KEY, Person, run, TOOLS } from "./common.mjs";

const of = (key = KEY) => new OpenAI({ baseURL: `${BASE}/v1`, apiKey: key, maxRetries: 0 }).responses;

// The answer, and the items that are sent back.
async function said(api, body, stream) {
  let pieces = 1;
  let answer;
  if (stream) {
    const events = api.stream({ ...body, store: false });
    pieces = 0;
    for await (const event of events) if (event.type === "response.output_text.delta") pieces++;
    answer = await events.finalResponse();
  } else {
    answer = await api.create({ ...body, store: false });
  }
  const calls = answer.output
    .filter((item) => item.type === "function_call")
    .map((call) => ({ id: call.call_id, name: call.name, arguments: JSON.parse(call.arguments) }));
  const tokens = answer.usage && [answer.usage.input_tokens, answer.usage.output_tokens];
  return [{ text: answer.output_text, pieces, end: answer.status, tokens, calls }, answer.output];
}

await run({
  user: (text) => [{ role: "user", content: text }],
  async ask(model, input, { system, stream, key }) {
    return (await said(of(key), { model, input, instructions: system }, stream))[0];
  },
  async talk(model, history, stream) {
    const tools = TOOLS.map((tool) => ({ type: "function", ...tool, strict: true }));
    const include = ["reasoning.encrypted_content"];
    const [answer, items] = await said(of(), { model, input: history, tools, include }, stream);
    // Its stream helper adds what it parsed.
    history.push(...items.map(({ parsed_arguments, ...item }) => item));
    return answer;
  },
  results: (calls, outputs) =>
    calls.map((call, at) => ({ type: "function_call_output", call_id: call.id, output: outputs[at] })),
  async image(model, { data, url }) {
    const image_url = url ?? `data:image/png;base64,${data.toString("base64")}`;
    const content = [{ type: "input_text", text: "What is it?" }, { type: "input_image", image_url, detail: "auto" }];
    return (await said(of(), { model, input: [{ role: "user", content }] }))[0].text;
  },
  async structured(model) {
    const text = { format: zodTextFormat(Person, "person") };
    return (await of().parse({ model, input: "Who?", text })).output_parsed;
  },
  status: (error) => (error instanceof OpenAI.APIError ? error.status : undefined),
});
