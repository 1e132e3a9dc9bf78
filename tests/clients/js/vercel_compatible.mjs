// The Vercel AI SDK with its provider for servers that speak OpenAI's chat completions.

import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { BASE, KEY } from "./common.mjs";
import { runProvider } from "./vercel_common.mjs";

const more = { name: "gateway", baseURL: `${BASE}/v1`, includeUsage: true, supportsStructuredOutputs: true };
await runProvider((apiKey = KEY) => createOpenAICompatible({ ...more, apiKey }));
