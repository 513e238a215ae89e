-- Puts the project inside the full-text index, which GIN alone cannot do for a plain column.
CREATE EXTENSION IF NOT EXISTS btree_gin;
