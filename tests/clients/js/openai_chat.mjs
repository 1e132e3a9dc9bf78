// `openai`, chat completions.

import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { BASE, KEY, Person, run, TOOLS } from "./common.mjs";

const of = (key = KEY) => new OpenAI({ baseURL: `${BASE}/v1`, apiKey: key, maxRetries: 0 }).chat.completions;
const tokens = (usage) => usage && [usage.prompt_tokens, usage.completion_tokens];

// The answer, and the message that is sent back.
async function said(api, body, stream) {
  let pieces = 1;
  let answer;
  if (stream) {
    const events = api.stream({ ...body, stream_options: { include_usage: true } });
    pieces = 0;
    for await (const chunk of events) if (chunk.choices[0]?.delta?.content) pieces++;
    answer = await events.finalChatCompletion();
  } else {
    answer = await api.create(body);
  }
  const [{ message, finish_reason: end }] = answer.choices;
  const calls = (message.tool_calls ?? []).map((call) => ({
    id: call.id,
    name: call.function.name,
    arguments: JSON.parse(call.function.arguments),
  }));
  // Only what the types of the protocol have.
  const back = { role: "assistant", content: message.content };
  if (calls.length) {
    back.tool_calls = message.tool_calls.map(({ id, function: { name, arguments: text } }) => ({
      id,
      type: "function",
      function: { name, arguments: text },
    }));
  }
  return [{ text: message.content ?? "", pieces, end, tokens: tokens(answer.usage), calls }, back];
}

const user = (text) => [{ role: "user", content: text }];

await run({
  user,
  async ask(model, text, { system, stream, key }) {
    const messages = system ? [{ role: "system", content: system }, ...user(text)] : user(text);
    return (await said(of(key), { model, messages }, stream))[0];
  },
  async talk(model, history, stream) {
    const tools = TOOLS.map((tool) => ({ type: "function", function: { ...tool, strict: true } }));
    const [answer, back] = await said(of(), { model, messages: history, tools }, stream);
    history.push(back);
    return answer;
  },
  results: (calls, outputs) => calls.map((call, at) => ({ role: "tool", tool_call_id: call.id, content: outputs[at] })),
  async image(model, { data, url }) {
    const at = url ?? `data:image/png;base64,${data.toString("base64")}`;
    const content = [{ type: "text", text: "What is it?" }, { type: "image_url", image_url: { url: at } }];
    return (await said(of(), { model, messages: [{ role: "user", content }] }))[0].text;
  },
  async structured(model) {
    const response_format = zodResponseFormat(Person, "person");
    const answer = await of().parse({ model, messages: user("Who?"), response_format });
    return answer.choices[0].message.parsed;
  },
  status: (error) => (error instanceof OpenAI.APIError ? error.status : undefined),
});
