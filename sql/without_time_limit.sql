-- A migration may adopt and index tables of any size. On a hosted project the limit of a statement is two
-- minutes.
set statement_timeout = 0;
