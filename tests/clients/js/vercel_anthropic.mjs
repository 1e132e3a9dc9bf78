// The Vercel AI SDK with its provider for Anthropic.

import { createAnthropic } from "@ai-sdk/anthropic";
import { BASE, KEY } from "./common.mjs";
import { runProvider } from "./vercel_common.mjs";

await runProvider((apiKey = KEY) => createAnthropic({ baseURL: `${BASE}/v1`, apiKey }));
