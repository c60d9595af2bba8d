-- Flows that somebody writes: see src/order/flow.h.

CREATE FUNCTION usom._guard_flow() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__guard_flow'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._guard_flow() IS 'BEFORE ROW on flow: a published version does not change (US144); version and publication are kept by usom (US004).';
REVOKE ALL ON FUNCTION usom._guard_flow() FROM PUBLIC;

CREATE FUNCTION usom._guard_flow_part() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__guard_flow_part'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._guard_flow_part() IS 'BEFORE ROW on the parts of flows: those of a published version do not change (US144).';
REVOKE ALL ON FUNCTION usom._guard_flow_part() FROM PUBLIC;

CREATE FUNCTION usom._furnish_flow() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__furnish_flow'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._furnish_flow() IS 'AFTER ROW on flow: a new flow has a state for each status of orders but draft.';
REVOKE ALL ON FUNCTION usom._furnish_flow() FROM PUBLIC;

CREATE FUNCTION usom._check_flow_rule() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
BEGIN
	IF NEW.channel IS NOT NULL AND NOT EXISTS (SELECT FROM usom.channel c WHERE c.org_id = NEW.org_id AND c.code = NEW.channel) THEN
		RAISE EXCEPTION 'flow rule "%" names channel "%", which does not exist', NEW.code, NEW.channel USING
			ERRCODE = 'US006', DETAIL = 'Codes in rules are looked up when they are written.', HINT = 'INSERT INTO usom.channel first, or correct the code.';
	ELSIF NOT EXISTS (SELECT FROM usom.flow f WHERE f.org_id = NEW.org_id AND f.code = NEW.flow AND f.published_at IS NOT NULL) THEN
		RAISE EXCEPTION 'flow rule "%" names flow "%", which is not published', NEW.code, NEW.flow USING
			ERRCODE = 'US006', DETAIL = 'Orders take published flows.', HINT = format('SELECT usom.publish_flow(%L);', NEW.flow);
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION usom._check_flow_rule() IS 'Trigger BEFORE a flow rule is written: US006 for a channel that nobody has, or a flow that is not published.';
REVOKE ALL ON FUNCTION usom._check_flow_rule() FROM PUBLIC;

CREATE FUNCTION usom._flow_guard_name(guard text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp
AS $$
	SELECT CASE WHEN guard LIKE '%.%' THEN guard ELSE 'usom._flow_' || guard END
$$;
COMMENT ON FUNCTION usom._flow_guard_name(text) IS 'Name of the function of a guard: its own, or one of usom''s.';
REVOKE ALL ON FUNCTION usom._flow_guard_name(text) FROM PUBLIC;

CREATE FUNCTION usom._check_flow_guard(guard text) RETURNS boolean
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	found CONSTANT regprocedure := to_regprocedure(usom._flow_guard_name(guard) || '(bigint, text)');
	the record;
	problem text;
BEGIN
	SELECT p.prokind = 'f' AND p.prorettype = 'boolean'::regtype AND NOT p.proretset AS is_predicate, p.provolatile <> 'v' AS is_stable,
		r.rolsuper OR r.oid = t.relowner AS is_trusted
	INTO the
	FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner, pg_class t
	WHERE p.oid = found AND t.oid = 'usom.sales_order'::regclass;
	problem := CASE
		WHEN found IS NULL AND guard LIKE '%.%' THEN format('There is no function %s(bigint, text).', guard)
		WHEN found IS NULL THEN 'usom''s own are paid, promised, released, reserved and unheld.'
		WHEN NOT the.is_predicate THEN 'It does not return one boolean.'
		WHEN NOT the.is_stable THEN 'It is VOLATILE: a guard looks and changes nothing.'
		WHEN NOT the.is_trusted THEN 'It is owned neither by a superuser nor by the owner of usom, as whom guards run.'
	END;
	IF problem IS NOT NULL THEN
		RAISE EXCEPTION 'guard "%" of a flow cannot be asked', guard USING ERRCODE = 'US143', DETAIL = problem,
			HINT = 'CREATE FUNCTION ' || CASE WHEN guard LIKE '%.%' THEN guard ELSE 'schema.' || guard END || '(org_id bigint, order_no text) RETURNS boolean, STABLE, as a superuser.';
	END IF;
	RETURN true;
END
$$;
COMMENT ON FUNCTION usom._check_flow_guard(text) IS 'True, or US143: the guard is no function that may be asked.';
REVOKE ALL ON FUNCTION usom._check_flow_guard(text) FROM PUBLIC;

CREATE FUNCTION usom._ask_flow_guard(guard text, org_id bigint, order_no text) RETURNS boolean
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	answer boolean;
BEGIN
	PERFORM usom._check_flow_guard(guard);
	EXECUTE format('SELECT %s($1, $2)', usom._flow_guard_name(guard)) INTO answer USING org_id, order_no;
	RETURN answer;
END
$$;
COMMENT ON FUNCTION usom._ask_flow_guard(text, bigint, text) IS 'Is the guard true of the order as it is? By the constraint flow_guard_named a guard is a plain name. US143 if it is no function that may be asked.';
REVOKE ALL ON FUNCTION usom._ask_flow_guard(text, bigint, text) FROM PUBLIC;

CREATE FUNCTION usom._flow_paid(org_id bigint, order_no text) RETURNS boolean
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, usom, pg_temp
AS $$
BEGIN
	RETURN (SELECT coalesce(o.paid, 0) >= o.total FROM usom.sales_order o WHERE o.org_id = $1 AND o.order_no = $2);
END
$$;
COMMENT ON FUNCTION usom._flow_paid(bigint, text) IS 'Guard paid: as much is captured as the order costs.';
REVOKE ALL ON FUNCTION usom._flow_paid(bigint, text) FROM PUBLIC;

CREATE FUNCTION usom._flow_promised(org_id bigint, order_no text) RETURNS boolean
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, usom, pg_temp
AS $$
BEGIN
	RETURN (
		SELECT NOT EXISTS (SELECT FROM usom.order_line l WHERE l.org_id = $1 AND l.sales_order_id = o.sales_order_id AND l.quantity_open > 0)
			AND NOT EXISTS (SELECT FROM usom.fulfillment_line f WHERE f.org_id = $1 AND f.sales_order_id = o.sales_order_id
				AND f.status = 'backordered' AND f.promised_at IS NULL)
		FROM usom.sales_order o WHERE o.org_id = $1 AND o.order_no = $2);
END
$$;
COMMENT ON FUNCTION usom._flow_promised(bigint, text) IS 'Guard promised: whatever waits is promised for a date.';
REVOKE ALL ON FUNCTION usom._flow_promised(bigint, text) FROM PUBLIC;

CREATE FUNCTION usom._flow_reserved(org_id bigint, order_no text) RETURNS boolean
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, usom, pg_temp
AS $$
BEGIN
	RETURN (
		SELECT NOT EXISTS (SELECT FROM usom.order_line l WHERE l.org_id = $1 AND l.sales_order_id = o.sales_order_id
			AND (l.quantity_open > 0 OR l.quantity_backordered > 0))
		FROM usom.sales_order o WHERE o.org_id = $1 AND o.order_no = $2);
END
$$;
COMMENT ON FUNCTION usom._flow_reserved(bigint, text) IS 'Guard reserved: nothing of the order is open or waits for stock.';
REVOKE ALL ON FUNCTION usom._flow_reserved(bigint, text) FROM PUBLIC;

CREATE FUNCTION usom._flow_released(org_id bigint, order_no text) RETURNS boolean
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, usom, pg_temp
AS $$
BEGIN
	RETURN (
		SELECT NOT EXISTS (SELECT FROM usom.order_line l WHERE l.org_id = $1 AND l.sales_order_id = o.sales_order_id
			AND (l.quantity_open > 0 OR l.quantity_backordered > 0 OR l.quantity_reserved > 0))
		FROM usom.sales_order o WHERE o.org_id = $1 AND o.order_no = $2);
END
$$;
COMMENT ON FUNCTION usom._flow_released(bigint, text) IS 'Guard released: everything of the order is released to a location, or further.';
REVOKE ALL ON FUNCTION usom._flow_released(bigint, text) FROM PUBLIC;

CREATE FUNCTION usom._flow_unheld(org_id bigint, order_no text) RETURNS boolean
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, usom, pg_temp
AS $$
BEGIN
	RETURN (
		SELECT NOT EXISTS (SELECT FROM usom.hold h WHERE h.org_id = $1 AND h.sales_order_id = o.sales_order_id
			AND h.released_at IS NULL AND (h.expires_at IS NULL OR h.expires_at > statement_timestamp()))
		FROM usom.sales_order o WHERE o.org_id = $1 AND o.order_no = $2);
END
$$;
COMMENT ON FUNCTION usom._flow_unheld(bigint, text) IS 'Guard unheld: no hold is active, whatever it blocks.';
REVOKE ALL ON FUNCTION usom._flow_unheld(bigint, text) FROM PUBLIC;

CREATE FUNCTION usom._flow_graph(statuses text[], starts boolean[], built_in boolean[], from_place integer[], to_place integer[])
RETURNS TABLE (what text, place integer, other integer, status text)
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'usom__flow_graph'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._flow_graph(text[], boolean[], boolean[], integer[], integer[]) IS
'A flow as a graph, for those who try the checks: what publishing adds (adds) and leaves out (gone), and what is wrong (bad_step, no_start, unreachable, dead_end, no_cancel). Places of states in the arrays, from 1.';
REVOKE ALL ON FUNCTION usom._flow_graph(text[], boolean[], boolean[], integer[], integer[]) FROM PUBLIC;

CREATE FUNCTION usom.flow_id(code text, version integer DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	found bigint;
BEGIN
	PERFORM usom._check_installed(), usom._check_card('code', code);
	SELECT f.flow_id INTO found FROM usom.flow f
	WHERE f.org_id = usom.current_org() AND f.code = flow_id.code AND (flow_id.version IS NULL OR f.version = flow_id.version)
	ORDER BY f.version DESC LIMIT 1;
	IF found IS NULL THEN
		RAISE EXCEPTION 'no flow "%"%', code, coalesce(format(' in version %s', version), '') USING ERRCODE = 'US006',
			HINT = 'INSERT INTO usom.flow (code) first, or correct the code.';
	END IF;
	RETURN found;
END
$$;
COMMENT ON FUNCTION usom.flow_id(text, integer) IS 'Key of a version of a flow of the caller''s organisation. code: the flow. version: null: the newest, which is the one that is being written if there is one. Errors: US001, US006. Example: INSERT INTO usom.flow_state (flow_id, state, status) VALUES (usom.flow_id(''engraving''), ''engraved'', ''confirmed'');';

CREATE FUNCTION usom.check_flow(flow text) RETURNS TABLE (fault text, state text, status text, message text)
LANGUAGE c STABLE STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'usom_check_flow'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.check_flow(text) IS
'What keeps the newest version of a flow from being published, one row each; writes nothing. flow: its code.
fault: bad_step (a step between statuses that orders do not go between, see order_lifecycle()), no_start (no state of a status starts), unreachable, dead_end (neither closed nor cancelled nor rejected can be reached), no_cancel (the order could be cancelled in this status, but no way within it leads to a state of cancelled).
Errors: US006 unknown flow. Example: SELECT * FROM usom.check_flow(''engraving'');';

CREATE FUNCTION usom.publish_flow(flow text) RETURNS integer
LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'usom_publish_flow'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.publish_flow(text) IS
'Check the newest version of a flow and publish it: from then on it does not change, and orders that a row of usom.flow_rule sends to the flow take it.
flow: its code. Its built-in states from which no transition was written go on as orders do without a flow; those that nothing leads to are left out.
Returns the version; a repeated call returns it again.
Errors: US006 unknown flow, US142 with everything that check_flow() finds in the detail, US143 for a guard that cannot be asked.
Example: SELECT usom.publish_flow(''engraving'');';

CREATE FUNCTION usom.revise_flow(flow text) RETURNS integer
LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'usom_revise_flow'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.revise_flow(text) IS
'Begin the next version of a published flow: a copy of what was written, to be changed by plain SQL and published. Orders keep the version that they have. flow: its code.
Returns the version; while one is being written, its number.
Errors: US006 unknown flow. Example: SELECT usom.revise_flow(''engraving'');';

CREATE FUNCTION usom.take_step(order_no text, to_state text, reason text DEFAULT NULL)
RETURNS TABLE (status text, version integer, flow_state text)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_take_step'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.take_step(text, text, text) IS
'Take an order to another state of its flow, within its status. UPDATE usom.sales_order SET flow_state does the same. Between statuses the state follows by itself when the order is confirmed, released, shipped and so on.
order_no: the order. to_state: a state that a step leads to, see explain_steps(). reason: why; it stands in the history.
Returns status, version and state of the order; asking for the state that it has changes nothing.
Errors: US105 unknown order, US140 no such step, US141 a guard refuses it (all of them in the detail), US101 if the order has ended.
Example: SELECT * FROM usom.take_step(''SO-000001'', ''engraved'');';

CREATE FUNCTION usom.explain_steps(order_no text)
RETURNS TABLE (to_state text, status text, taken_by text, open boolean, guard text, severity text, passes boolean, message text)
LANGUAGE c STABLE STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'usom_explain_steps'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.explain_steps(text) IS
'The steps of its flow that lead on from where an order is, with every guard asked now; writes nothing. One row per step and guard; none for an order without a flow. order_no: the order.
taken_by: take_step, or the step of the order that goes to that status (release, ship and so on). open: false while a guard refuses it. passes: null for a guard that is off.
Errors: US105 unknown order, US143 a guard that cannot be asked. Example: SELECT * FROM usom.explain_steps(''SO-000001'');';

CREATE FUNCTION usom.flow_dot(flow text, version integer DEFAULT NULL) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	key CONSTANT bigint := usom.flow_id(flow, version);
BEGIN
	RETURN (
		SELECT format(E'digraph %s {\n\trankdir=LR;\n%s%s}\n', quote_ident(flow),
			(SELECT string_agg(format(E'\tsubgraph cluster_%s {\n\t\tlabel="%s";\n%s\t}\n', c.status, c.status, c.states), '' ORDER BY c.place)
			 FROM (SELECT s.status::text AS status, min(s.status) AS place,
					string_agg(format(E'\t\t"%s"%s;\n', replace(s.state, '"', '\"'), CASE WHEN s.starts THEN ' [penwidth=2]' ELSE '' END), '' ORDER BY s.state) AS states
				FROM usom.flow_state s WHERE s.org_id = usom.current_org() AND s.flow_id = key GROUP BY s.status) c),
			coalesce((SELECT string_agg(format(E'\t"%s" -> "%s"%s;\n', replace(t.from_state, '"', '\"'), replace(t.to_state, '"', '\"'),
				CASE WHEN t.built_in THEN ' [style=dashed]' ELSE '' END), '' ORDER BY t.from_state, t.rank, t.to_state)
			 FROM usom.flow_transition t WHERE t.org_id = usom.current_org() AND t.flow_id = key), '')));
END
$$;
COMMENT ON FUNCTION usom.flow_dot(text, integer) IS
'A version of a flow as a picture for Graphviz: states in the status that they lie within, those where orders begin drawn bold, steps that nobody wrote dashed. flow: its code. version: null: the newest. Errors: US006 unknown flow. Example: SELECT usom.flow_dot(''engraving'');';
