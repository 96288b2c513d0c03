-- Schema connhub, the API, is made by CREATE EXTENSION; the tables have one of their own.

CREATE SCHEMA connhub_catalog;
COMMENT ON SCHEMA connhub_catalog IS 'Tables behind connhub; use the functions and views of schema connhub';
REVOKE ALL ON SCHEMA connhub_catalog FROM PUBLIC;
