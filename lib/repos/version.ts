/** Raise it when the same file would be cut or filtered in another way: every repository is then indexed again. */
export const CODE_INDEX_VERSION = 1;
