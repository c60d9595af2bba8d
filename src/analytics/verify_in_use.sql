CREATE FUNCTION usom.verify_in_use() RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
	used name;
	has_rows boolean;
BEGIN
	-- the tables with triggers that note it; their argument is the table
	FOR used IN
		SELECT DISTINCT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
		WHERE c.relnamespace = 'usom'::regnamespace AND t.tgname IN ('_memo_changed', '_note_in_use') AND t.tgnargs = 1
			AND NOT EXISTS (SELECT FROM usom._in_use u WHERE u.org_id = org AND u.relation = c.relname)
		ORDER BY 1
	LOOP
		EXECUTE format('SELECT EXISTS (SELECT FROM usom.%I WHERE org_id = $1)', used) INTO has_rows USING org;
		IF has_rows THEN
			RETURN QUERY SELECT 'in use', format('table %s', used), 'has rows that nobody looks at: update one, or insert one', 'noted in _in_use', 'not noted';
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION usom.verify_in_use() IS
'Tables of rules that the caller''s organisation has rows in, and usom._in_use does not say so: then backends act as if there were none. It comes of rows written while triggers were switched off; to update one of the rows with its values as they are, or to insert one (coupons, quotas, supply, credit accounts, pre-orders), sets it right. One row a table, none when all is well.
Example: SELECT * FROM usom.verify_in_use();';
