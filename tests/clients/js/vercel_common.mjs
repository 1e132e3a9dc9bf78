// The Vercel AI SDK: the same calls for every provider that it knows.

import { APICallError, generateText, jsonSchema, Output, streamText, tool } from "ai";
import { Person, run, TOOLS } from "./common.mjs";

const tools = Object.fromEntries(
  TOOLS.map(({ name, description, parameters }) => [name, tool({ description, inputSchema: jsonSchema(parameters) })]),
);

// It fetches pictures itself where it thinks that the provider does not, from public hosts alone unless it is told how.
const download = (files) =>
  Promise.all(
    files.map(async ({ url, isUrlSupportedByModel }) =>
      isUrlSupportedByModel
        ? null
        : { data: new Uint8Array(await (await fetch(url)).arrayBuffer()), mediaType: "image/png" },
    ),
  );

// Runs the cases with the models that `provider(key)` gives by name.
export async function runProvider(provider, options) {
  // The answer, and the messages that are sent back.
  async function said(key, model, more, stream) {
    const asked = { model: provider(key)(model), maxRetries: 0, providerOptions: options, ...more };
    let pieces = 1;
    let answer;
    if (stream) {
      let failed;
      const events = streamText({ ...asked, onError: ({ error }) => (failed = error) });
      pieces = 0;
      for await (const event of events.fullStream) if (event.type === "text-delta" && event.text) pieces++;
      if (failed) throw failed;
      const [text, end, usage, calls, response] = await Promise.all([
        events.text,
        events.finishReason,
        events.usage,
        events.toolCalls,
        events.response,
      ]);
      answer = { text, finishReason: end, usage, toolCalls: calls, response };
    } else {
      answer = await generateText(asked);
    }
    const { text, finishReason: end, usage, toolCalls, response } = answer;
    const calls = toolCalls.map(({ toolCallId: id, toolName: name, input }) => ({ id, name, arguments: input }));
    return [{ text, pieces, end, tokens: [usage.inputTokens, usage.outputTokens], calls }, response.messages];
  }

  const user = (text) => [{ role: "user", content: text }];
  await run({
    user,
    ask: async (model, text, { system, stream, key }) =>
      (await said(key, model, { system, messages: user(text) }, stream))[0],
    async talk(model, history, stream) {
      const [answer, messages] = await said(undefined, model, { messages: history, tools }, stream);
      history.push(...messages);
      return answer;
    },
    results(calls, outputs) {
      const content = calls.map(({ id, name }, at) => ({
        type: "tool-result",
        toolCallId: id,
        toolName: name,
        output: { type: "text", value: outputs[at] },
      }));
      return [{ role: "tool", content }];
    },
    async image(model, { data, url }) {
      const content = [{ type: "text", text: "What is it?" }, { type: "image", image: url ? new URL(url) : data }];
      const asked = { messages: [{ role: "user", content }], experimental_download: download };
      return (await said(undefined, model, asked))[0].text;
    },
    async structured(model) {
      const output = Output.object({ schema: Person });
      const answer = await generateText({ model: provider()(model), prompt: "Who?", output, maxRetries: 0 });
      return answer.output;
    },
    status: (error) => (APICallError.isInstance(error) ? error.statusCode : undefined),
  });
}
