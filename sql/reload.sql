-- PostgREST learns of new functions. On a hosted project an event trigger says the same; elsewhere nothing
-- else would.
notify pgrst, 'reload schema';
