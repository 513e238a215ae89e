/**
 * What we use of the AI SDK, in a file of its own, because it is bundled by itself (build-plugins.ts): it needs parts of zod
 * that nothing else does, and every cold start would load them. To be imported dynamically.
 */
export { createOpenAICompatible } from "@ai-sdk/openai-compatible";
export { generateText, isStepCount, jsonSchema, Output, tool, wrapLanguageModel } from "ai";
