-- The lines of EXPLAIN (VERBOSE) that say what is sent, and why the rest stays here.
CREATE FUNCTION sent(statement text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (VERBOSE, COSTS OFF) ' || statement LOOP
		IF line ~ '(Native|Batch Size|Rechecked Locally|Kept Locally)' THEN
			RETURN NEXT trim(line);
		END IF;
	END LOOP;
END $$;
