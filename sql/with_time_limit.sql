-- The session may be used for something else next, as in the dashboard's SQL editor.
reset statement_timeout;
