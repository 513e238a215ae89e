/** Tokens (o200k_base, breadcrumbs included) that a chunk is filled up to, and that no chunk exceeds. */
export const TARGET_TOKENS = 400;
export const CAP_TOKENS = 512;

/** No chunk is longer than this many UTF-16 units, though few tokens may say long runs of blanks or rules. */
export const MAX_LENGTH = 16_384;
