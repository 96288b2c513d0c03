-- What CREATE EXTENSION leaves behind keeps the rules: a comment on each object, nothing open to PUBLIC,
-- functions that no search path can divert.  Every query here must find nothing.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS connhub;
RESET client_min_messages;
SET search_path = pg_catalog;

CREATE TEMPORARY VIEW member AS
SELECT d.classid, d.objid, pg_describe_object(d.classid, d.objid, 0) AS object
FROM pg_depend d JOIN pg_extension e ON d.refobjid = e.oid AND d.refclassid = 'pg_extension'::regclass
WHERE e.extname = 'connhub' AND d.deptype = 'e';

-- Enough objects for the rest to mean something.
SELECT count(*) > 30 AS objects FROM member;

-- Objects without a comment; row and array types that come with a table need none.
SELECT object FROM member m
WHERE obj_description(objid, (SELECT relname FROM pg_class WHERE oid = classid)) IS NULL
	AND NOT (classid = 'pg_type'::regclass AND EXISTS (
		SELECT FROM pg_type t WHERE t.oid = objid AND (t.typrelid <> 0 AND (SELECT relkind FROM pg_class WHERE oid = t.typrelid) <> 'c'
			OR t.typelem <> 0)))
	AND classid NOT IN ('pg_cast'::regclass, 'pg_default_acl'::regclass)
ORDER BY 1;

-- Columns of tables, views and composite types without a comment.
SELECT c.oid::regclass AS relation, a.attname AS column
FROM member m JOIN pg_class c ON m.objid = c.oid AND m.classid = 'pg_class'::regclass
	JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'v', 'c', 'p') AND col_description(c.oid, a.attnum) IS NULL
ORDER BY 1, 2;

-- Functions PUBLIC may call.
SELECT p.oid::regprocedure AS open_function
FROM member m JOIN pg_proc p ON m.objid = p.oid AND m.classid = 'pg_proc'::regclass
WHERE p.proacl IS NULL OR EXISTS (SELECT FROM aclexplode(p.proacl) WHERE grantee = 0)
ORDER BY 1;

-- Tables, views, schemas, types, servers and wrappers PUBLIC may use.
SELECT object AS open_object FROM member m
WHERE EXISTS (
	SELECT FROM pg_class c, aclexplode(c.relacl) a WHERE m.classid = 'pg_class'::regclass AND c.oid = m.objid AND a.grantee = 0
	UNION ALL
	SELECT FROM pg_namespace n, aclexplode(n.nspacl) a WHERE m.classid = 'pg_namespace'::regclass AND n.oid = m.objid AND a.grantee = 0
	UNION ALL
	SELECT FROM pg_foreign_data_wrapper w, aclexplode(w.fdwacl) a
		WHERE m.classid = 'pg_foreign_data_wrapper'::regclass AND w.oid = m.objid AND a.grantee = 0)
ORDER BY 1;

-- SQL and PL functions whose names a search path could divert.
SELECT p.oid::regprocedure AS unpinned_function
FROM member m JOIN pg_proc p ON m.objid = p.oid AND m.classid = 'pg_proc'::regclass
	JOIN pg_language l ON p.prolang = l.oid
WHERE l.lanname NOT IN ('c', 'internal') AND p.prosqlbody IS NULL
	AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (p.proconfig), false)
ORDER BY 1;

-- Functions that run as their owner.
SELECT p.oid::regprocedure AS definer_function
FROM member m JOIN pg_proc p ON m.objid = p.oid AND m.classid = 'pg_proc'::regclass
WHERE p.prosecdef
ORDER BY 1;

-- Tables without row-level security.
SELECT c.oid::regclass AS unguarded_table
FROM member m JOIN pg_class c ON m.objid = c.oid AND m.classid = 'pg_class'::regclass
WHERE c.relkind IN ('r', 'p') AND NOT c.relrowsecurity
ORDER BY 1;

-- Tables and sequences whose contents a dump would lose, but the types, which drivers tell when the extension is created.
SELECT c.oid::regclass AS undumped
FROM member m JOIN pg_class c ON m.objid = c.oid AND m.classid = 'pg_class'::regclass
WHERE c.relkind IN ('r', 'p', 'S') AND c.relname NOT IN ('connector_type', 'job', 'tier') AND NOT c.oid = ANY ((SELECT coalesce(extconfig, '{}') FROM pg_extension WHERE extname = 'connhub')::oid[])
ORDER BY 1;

-- Every C function is in the library.
SELECT p.oid::regprocedure AS function_elsewhere
FROM member m JOIN pg_proc p ON m.objid = p.oid AND m.classid = 'pg_proc'::regclass
	JOIN pg_language l ON p.prolang = l.oid
WHERE l.lanname = 'c' AND p.probin <> '$libdir/connhub'
ORDER BY 1;
