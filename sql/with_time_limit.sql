-- The session may be used for something else next, as in the dashboard's SQL editor. The notice to PostgREST
-- comes after it, as the last thing that every migration does.
reset statement_timeout;
