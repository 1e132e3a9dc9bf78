// `@anthropic-ai/sdk`.

import Anthropic from "@anthropic-ai/sdk";
import { zodOutputFormat } from "@anthropic-ai/sdk/helpers/zod";
import { BASE, KEY, Person, run, TOOLS } from "./common.mjs";

const of = (key = KEY) => new Anthropic({ baseURL: BASE, apiKey: key, maxRetries: 0 }).messages;

// The answer, and the blocks that are sent back.
async function said(api, more, stream) {
  const body = { max_tokens: 4096, ...more };
  let pieces = 1;
  let answer;
  if (stream) {
    const events = api.stream(body);
    pieces = 0;
    events.on("text", () => pieces++);
    answer = await events.finalMessage();
  } else {
    answer = await api.create(body);
  }
  const text = answer.content.flatMap((block) => (block.type === "text" ? [block.text] : [])).join("");
  const calls = answer.content.filter((block) => block.type === "tool_use");
  const tokens = [answer.usage.input_tokens, answer.usage.output_tokens];
  const told = calls.map(({ id, name, input }) => ({ id, name, arguments: input }));
  return [{ text, pieces, end: answer.stop_reason, tokens, calls: told }, answer.content];
}

const user = (text) => [{ role: "user", content: text }];

await run({
  user,
  ask: async (model, text, { system, stream, key }) =>
    (await said(of(key), { model, messages: user(text), system }, stream))[0],
  async talk(model, history, stream) {
    const tools = TOOLS.map(({ name, description, parameters }) => ({ name, description, input_schema: parameters }));
    const [answer, content] = await said(of(), { model, messages: history, tools }, stream);
    history.push({ role: "assistant", content });
    return answer;
  },
  results(calls, outputs) {
    const content = calls.map(({ id }, at) => ({ type: "tool_result", tool_use_id: id, content: outputs[at] }));
    return [{ role: "user", content }];
  },
  async image(model, { data, url }) {
    const source = url
      ? { type: "url", url }
      : { type: "base64", media_type: "image/png", data: data.toString("base64") };
    const content = [{ type: "image", source }, { type: "text", text: "What is it?" }];
    return (await said(of(), { model, messages: [{ role: "user", content }] }))[0].text;
  },
  async structured(model) {
    const output_config = { format: zodOutputFormat(Person) };
    const body = { model, max_tokens: 4096, messages: user("Who?"), output_config };
    return (await of().parse(body)).parsed_output;
  },
  status: (error) => (error instanceof Anthropic.APIError ? error.status : undefined),
});
