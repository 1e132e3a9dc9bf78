// The Vercel AI SDK with its provider for OpenAI, which speaks responses.

import { createOpenAI } from "@ai-sdk/openai";
import { BASE, KEY } from "./common.mjs";
import { runProvider } from "./vercel_common.mjs";

await runProvider((apiKey = KEY) => createOpenAI({ baseURL: `${BASE}/v1`, apiKey }));
