-- Every role against every table, view and function, by trying, not by asking:
-- test/access/matrix.txt says what is to come of it.
\set ON_ERROR_STOP on
\pset format unaligned
\pset tuples_only on
\pset pager off
BEGIN;
SET LOCAL client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS usom;
SELECT count(*) FROM usom.install() \g /dev/null
SELECT no_plan();

CREATE TEMP TABLE line (words text);
\copy line FROM 'test/access/matrix.txt'
CREATE TEMP TABLE matrix AS
	SELECT w[1] AS object, p.profile, translate(w[1 + p.n] || CASE WHEN w[2] = w[1 + p.n] THEN '' ELSE w[2] END, '-', '') AS expected
	FROM (SELECT regexp_split_to_array(words, '\s+') FROM line WHERE words !~ '^(#|\s*$)') l (w),
		unnest(ARRAY['everybody', 'agent', 'manager', 'warehouse', 'channel', 'integrator', 'bi', 'auditor', 'break_glass']) WITH ORDINALITY AS p (profile, n);

-- One role for each profile; the break-glass role works as itself.
CREATE ROLE tap_everybody;
-- it works for the organisation without a profile, so that privileges alone stand in its way
SELECT usom._add_access('tap_everybody', 'bi', 1, NULL) \g /dev/null
CREATE TEMP TABLE player AS SELECT 'everybody' AS profile, 'tap_everybody' AS role UNION ALL SELECT 'break_glass', 'usom_break_glass';
DO $$
DECLARE
	name text;
BEGIN
	FOREACH name IN ARRAY ARRAY['agent', 'manager', 'warehouse', 'channel', 'integrator', 'bi', 'auditor'] LOOP
		EXECUTE format('CREATE ROLE %I', 'tap_' || name);
		PERFORM usom.grant_access('tap_' || name, name);
		INSERT INTO player VALUES (name, 'tap_' || name);
	END LOOP;
END $$;

-- Does a privilege stand in the way?  Whatever else comes of the command comes after that, and is undone.
CREATE TEMP SEQUENCE attempts;
CREATE FUNCTION pg_temp.may(role text, command text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	state text;
	words text;
BEGIN
	PERFORM nextval('attempts');
	BEGIN
		PERFORM set_config('role', role, true);
		EXECUTE command;
		RAISE EXCEPTION USING ERRCODE = 'ZZ000';
	EXCEPTION WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, words = MESSAGE_TEXT;
	END;
	RETURN NOT (state = '42501' AND words ~ '^(permission denied|must be owner)');
END $$;

CREATE TEMP TABLE attempt (object text, letter text, command text);
INSERT INTO attempt
	SELECT c.relname, a.letter, a.command
	FROM pg_class c CROSS JOIN LATERAL (SELECT attname FROM pg_attribute WHERE attrelid = c.oid AND attnum = 1) k CROSS JOIN LATERAL (VALUES
		('r', format('SELECT count(*) FROM usom.%I', c.relname)),
		('i', format('INSERT INTO usom.%1$I SELECT (NULL::usom.%1$I).* WHERE false', c.relname)),
		('u', format('UPDATE usom.%I SET %I = NULL WHERE false', c.relname, k.attname)),
		('d', format('DELETE FROM usom.%I WHERE false', c.relname)),
		('truncate', format('TRUNCATE usom.%I', c.relname)),
		('trigger', format('CREATE TRIGGER tap AFTER INSERT ON usom.%I FOR EACH STATEMENT EXECUTE FUNCTION suppress_redundant_updates_trigger()', c.relname)),
		('alter', format('ALTER TABLE usom.%I RENAME TO tap_away', c.relname))) AS a (letter, command)
	WHERE c.relnamespace = 'usom'::regnamespace AND (c.relkind IN ('r', 'p') OR (c.relkind = 'v' AND (a.letter IN ('r', 'alter')
		OR (a.letter IN ('i', 'u', 'd') AND EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND (t.tgtype & 64) <> 0)))));
-- Arguments that are not constants: a strict function of a constant null is not called at all; CALL takes nothing else.
INSERT INTO attempt
	SELECT p.proname || '()', 'x', format(CASE p.prokind WHEN 'p' THEN 'CALL usom.%I(%s)' WHEN 'a' THEN 'SELECT usom.%I(%s)' ELSE 'SELECT * FROM usom.%I(%s)' END ,
		p.proname, (SELECT string_agg(CASE a.type WHEN 'record'::regtype THEN '(SELECT r FROM (SELECT 1 AS one) r)' ELSE format(CASE p.prokind WHEN 'p' THEN 'NULL::%s' ELSE '(SELECT NULL::%s)' END, format_type(a.type, NULL)) END, ', ' ORDER BY a.n)
			FROM unnest(p.proargtypes) WITH ORDINALITY AS a (type, n)))
	FROM pg_proc p
	WHERE p.pronamespace = 'usom'::regnamespace AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
		AND NOT EXISTS (SELECT FROM unnest(p.proargtypes || p.prorettype) a (type) JOIN pg_type t ON t.oid = a.type
			WHERE (t.typnamespace = 'usom'::regnamespace AND t.typtype = 'b' AND t.typcategory <> 'A') OR t.typname IN ('cstring', 'internal'));

SELECT is_empty($$SELECT object FROM attempt EXCEPT SELECT object FROM matrix$$, 'whatever there is stands in the matrix');
SELECT is_empty($$SELECT object FROM matrix EXCEPT SELECT object FROM attempt$$, 'whatever stands in the matrix is there');

CREATE TEMP TABLE tried AS
	SELECT a.object, p.profile, string_agg(a.letter, '' ORDER BY position(a.letter IN 'riudx'), a.letter) FILTER (WHERE pg_temp.may(p.role, a.command)) AS found
	FROM attempt a CROSS JOIN player p GROUP BY a.object, p.profile;
SELECT is(coalesce(t.found, ''), coalesce(m.expected, ''), format('%s and %s', t.profile, t.object))
FROM tried t LEFT JOIN matrix m USING (object, profile) ORDER BY t.object, t.profile;
SELECT cmp_ok((SELECT last_value FROM attempts), '>=', 1000::bigint, 'attempts that were made');
SELECT diag((SELECT last_value FROM attempts) || ' attempts');

-- The grants are those of the table that install() reads, and upgrade() brings them back.
SELECT is_empty($$SELECT * FROM usom._made_grants() EXCEPT SELECT * FROM usom._wanted_grants()$$, 'nothing is granted that the table does not name');
SELECT is_empty($$SELECT * FROM usom._wanted_grants() WHERE grantee <> 'PUBLIC' EXCEPT SELECT * FROM usom._made_grants()$$, 'all that the table names is granted');
GRANT DELETE ON usom.customer TO usom_bi;
REVOKE SELECT ON usom.orders FROM usom_agent;
SELECT is((SELECT string_agg(detail, '') FROM usom.doctor() WHERE "check" = 'privileges' AND NOT ok), 'usom_agent lacks SELECT on usom.orders; usom_bi has DELETE on usom.customer', 'doctor() sees what was changed');
SELECT count(*) FROM usom.upgrade() \g /dev/null
SELECT ok((SELECT ok FROM usom.doctor() WHERE "check" = 'privileges'), 'and upgrade() puts it right');

-- Row security stands on every table of organisations, and not by force: usom itself works as the owner.
SELECT is_empty($$SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'org_id'
	WHERE c.relnamespace = 'usom'::regnamespace AND c.relkind IN ('r', 'p') AND (NOT c.relrowsecurity OR c.relforcerowsecurity)$$, 'row security is on everywhere');
SELECT is_empty($$SELECT polrelid::regclass, polname FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
	WHERE c.relnamespace = 'usom'::regnamespace AND pg_get_expr(polqual, polrelid) !~ '^\(+org_id = usom\.current_org\(\)' $$, 'every policy begins with the organisation');
SELECT is_empty($$SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'usom'::regnamespace AND c.relkind = 'v' AND c.relname !~ '^_'
	AND NOT coalesce('security_invoker=true' = ANY (c.reloptions), false)$$, 'every view has the rights of its reader');

-- Group roles: nobody logs in as one, and none is more than it should be.
SELECT is_empty($$SELECT rolname FROM pg_roles WHERE rolname ~ '^usom_' AND rolname = ANY (SELECT 'usom_' || unnest(usom._profiles()))
	AND (rolcanlogin OR rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication)$$, 'group roles have no attribute');

-- Whoever may revoke is not the role itself.
CREATE FUNCTION pg_temp.state(role text, command text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('role', role, true);
	EXECUTE command;
	PERFORM set_config('role', 'none', true);
	RETURN '00000';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END $$;
SELECT is(pg_temp.state('tap_manager', $$SELECT usom.grant_access('tap_manager', 'auditor')$$), '42501', 'a manager gives no access');
SELECT is(pg_temp.state('tap_manager', $$GRANT usom_auditor TO tap_manager$$), '42501', 'nor joins a group role');
SELECT is(pg_temp.state('tap_manager', $$SET ROLE usom_break_glass$$), '00000', 'a superuser''s session may SET ROLE on');
SELECT is(pg_temp.state('tap_bi', $$SET LOCAL row_security = off; SELECT count(*) FROM usom.orders$$), '42501', 'row security is not switched off');
SELECT is(pg_temp.state('tap_agent', $$SELECT nextval('usom.order_no_seq')$$), '42501', 'sequences are usom''s own');
SELECT is(pg_temp.state('tap_agent', $$CREATE TABLE usom.tap (i int)$$), '42501', 'nobody creates in the schema');
SELECT is(pg_temp.state('tap_auditor', $$SELECT count(*) FROM usom.verify()$$), '00000', 'an auditor verifies');
SELECT is(pg_temp.state('tap_manager', $$SELECT count(*) FROM usom.verify()$$), '00000', 'so does a manager');
SELECT is(pg_temp.state('tap_auditor', $$SELECT count(*) FROM usom.audit$$), '00000', 'an auditor reads the audit');
SELECT is(pg_temp.state('tap_auditor', $$SELECT * FROM usom.verify_audit(); SELECT * FROM usom.verify_entries(); SELECT usom.export_digest()$$), '00000', 'verifies it, and takes the digest along');
SELECT is(pg_temp.state('tap_bi', format('SELECT count(*) FROM usom.%I', v)), '00000', format('bi reads usom.%s', v))
FROM unnest(ARRAY['orders', 'order_lines', 'order_pieces', 'backorders', 'stock_position', 'holds', 'shipments', 'returns', 'timeline', 'order_statuses', 'customers', 'addresses']) AS v;
SELECT is(pg_temp.state('tap_channel', format('SELECT count(*) FROM usom.%I', v)), '00000', format('a channel reads usom.%s', v))
FROM unnest(ARRAY['orders', 'order_lines', 'order_pieces', 'backorders', 'stock_position', 'holds', 'shipments', 'returns', 'timeline', 'order_statuses', 'customers']) AS v;

-- Break-glass is an act of the session's role: neither inherited rights nor a function of the role will do.
CREATE ROLE tap_both;
SELECT usom.grant_access('tap_both', p) FROM unnest(ARRAY['agent', 'break_glass']) AS p \g /dev/null
CREATE FUNCTION public.tap_glass() RETURNS void LANGUAGE sql SECURITY DEFINER AS 'UPDATE usom.stock SET safety = 1';
GRANT CREATE ON SCHEMA public TO usom_break_glass;
ALTER FUNCTION public.tap_glass() OWNER TO usom_break_glass;
SELECT is(pg_temp.state('tap_both', $$SET LOCAL usom.reason = 'x'; UPDATE usom.stock SET safety = 1$$), 'US004', 'inherited break-glass');
SELECT is(pg_temp.state('tap_both', $$SET LOCAL usom.reason = 'x'; SELECT public.tap_glass()$$), 'US004', 'break-glass by SECURITY DEFINER');
SELECT is(pg_temp.state('usom_break_glass', $$SET LOCAL usom.reason = ' '; UPDATE usom.stock SET safety = 1$$), 'US902', 'break-glass with a blank for a reason');
SELECT is(pg_temp.state('usom_break_glass', $$SET LOCAL usom.reason = 'x'; UPDATE usom.stock SET safety = 1$$), '00000', 'break-glass with a reason');
SELECT is(pg_temp.state('usom_break_glass', $$SET LOCAL usom.reason = 'x'; SELECT usom.place_order('{}')$$), '42501', 'break-glass calls no verb');

-- Superusers who are members of nothing pass no guard either.
SELECT is(pg_temp.state('postgres', $$SET LOCAL usom.reason = 'x'; UPDATE usom.stock SET safety = 1$$), 'US004', 'a superuser by mistake') FROM pg_roles WHERE rolname = 'postgres' AND rolsuper;

-- A day of each, by the functions alone.
SELECT is(pg_temp.state('tap_manager', $$INSERT INTO usom.location (code) VALUES ('TAP-L')$$), '00000', 'a manager opens a location');
SELECT is(pg_temp.state('tap_integrator', $$INSERT INTO usom.product (sku) VALUES ('TAP-P'); INSERT INTO usom.price (sku, unit_price) VALUES ('TAP-P', 2)$$), '00000', 'an integrator brings products and prices');
SELECT is(pg_temp.state('tap_integrator', $$INSERT INTO usom.customer (code, name, email) VALUES ('TAP-C', 'Ada', 'ada@example.com')$$), '00000', 'and customers');
SELECT is(pg_temp.state('tap_warehouse', $$SELECT usom.receive_stock('TAP-L', 'TAP-P', 100)$$), '00000', 'a warehouse receives');
SELECT is(pg_temp.state('tap_agent', $$SELECT usom.place_order('{"customer": "TAP-C", "external_id": "TAP-1", "ship_to": {"name": "Ada", "city": "Leeds", "country": "GB"}, "lines": [{"sku": "TAP-P", "quantity": 3}]}')$$), '00000', 'an agent places');
SELECT order_no AS o FROM usom.orders WHERE external_id = 'TAP-1' \gset
SELECT is(pg_temp.state('tap_agent', format($$SELECT usom.change_order(%L, '{"lines": [{"line_no": 1, "quantity": 2}]}')$$, :'o')), '00000', 'and changes');
SELECT is(pg_temp.state('tap_agent', format($$SELECT usom.explain_status(%1$L); SELECT * FROM usom.order_timeline(%1$L)$$, :'o')), '00000', 'and explains');
SELECT usom.seal_audit() \g /dev/null
SELECT is(pg_temp.state('tap_auditor', format($$SELECT usom.order_as_of(%1$L, clock_timestamp()); SELECT * FROM usom.order_changes(%1$L);
	SELECT usom.inclusion_proof(%2$s); SELECT usom.consistency_proof(usom.export_digest()); SELECT * FROM usom.verify()$$, :'o', (SELECT min(audit_entry_id) FROM usom.audit_entry))), '00000', 'an auditor looks at it as it was, and proves it');
SELECT is(pg_temp.state('tap_agent', format($$SELECT usom.export_customer('TAP-C')$$)), '00000', 'and tells a customer what is known of her');
SELECT is(pg_temp.state('tap_agent', $$UPDATE usom.customer SET name = 'Ada L' WHERE code = 'TAP-C'$$), '00000', 'and corrects a name');
SELECT is(pg_temp.state('tap_warehouse', format($$SELECT usom.release_order(%1$L); SELECT usom.ship(%1$L)$$, :'o')), '00000', 'a warehouse ships');
SELECT shipment_no AS s FROM usom.shipments WHERE order_no = :'o' \gset
SELECT is(pg_temp.state('tap_integrator', format($$SELECT usom.deliver(%L)$$, :'s')), '00000', 'the carrier''s feed tells of the delivery');
SELECT is(pg_temp.state('tap_channel', format($$SELECT usom.authorize_return(%L, '[{"line_no": 1, "quantity": 1}]', 'too big')$$, :'o')), '00000', 'a channel takes it back');
SELECT is(pg_temp.state('tap_agent', format($$SELECT usom.close_order(%L)$$, :'o')), '00000', 'an agent closes');
SELECT is(pg_temp.state('tap_agent', $$INSERT INTO usom.sales_order (order_no, channel_id, status) VALUES ('TAP-D', usom.channel_id('web'), 'draft');
	INSERT INTO usom.order_line (sales_order_id, line_no, product_id, quantity) SELECT sales_order_id, 1, usom.product_id('TAP-P'), 1 FROM usom.sales_order WHERE order_no = 'TAP-D';
	UPDATE usom.sales_order SET status = 'submitted' WHERE order_no = 'TAP-D'$$), '00000', 'plain SQL takes the same path');
SELECT is((SELECT status FROM usom.orders WHERE order_no = 'TAP-D'), 'confirmed', 'to the same end');
SELECT is(pg_temp.state('tap_manager', $$SELECT usom.erase_customer('TAP-C', 'asked for it')$$), '00000', 'a manager erases a customer');
SELECT is_empty($$SELECT * FROM usom.verify()$$, 'all is well after that');
SELECT results_eq($$SELECT DISTINCT active_role FROM usom.audit_entry WHERE active_role LIKE 'tap\_%' ORDER BY 1$$,
	ARRAY['tap_agent', 'tap_channel', 'tap_integrator', 'tap_manager', 'tap_warehouse'], 'the audit names who it was, not the owner');
SELECT is_empty($$SELECT * FROM usom.audit_entry WHERE 'usom_owner' IN (session_role, active_role) AND table_name <> 'organisation' AND verb IS NOT NULL$$, 'nobody acted as the owner');
SELECT * FROM finish();
ROLLBACK;
