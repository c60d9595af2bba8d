-- Flows as graphs: what check_flow() finds wrong with one, told once more by
-- recursive queries over its rows, for flows that are written at random.
SELECT setseed((:seed % 1000003) / 1000003.0) IS NULL AS seeded \gset

-- Ways between statuses as the manual tells them: order_lifecycle() has its own twin.
CREATE VIEW twin.flow_edge AS SELECT from_status::usom.order_status AS f, to_status::usom.order_status AS t FROM usom.order_lifecycle();

-- A flow's arcs: those that were written, and from a built-in state without any the built-in ones, forward.
CREATE FUNCTION twin.flow_arcs(flow bigint) RETURNS TABLE (f text, t text) LANGUAGE sql STABLE AS $$
	SELECT a.from_state, a.to_state FROM usom.flow_transition a WHERE a.org_id = usom.current_org() AND a.flow_id = flow
	UNION
	SELECT s.state, n.state FROM usom.flow_state s JOIN twin.flow_edge e ON e.f = s.status AND e.t > e.f
	JOIN usom.flow_state n ON n.org_id = s.org_id AND n.flow_id = flow AND n.status = e.t AND n.starts
	WHERE s.org_id = usom.current_org() AND s.flow_id = flow AND s.built_in
		AND NOT EXISTS (SELECT FROM usom.flow_transition w WHERE w.org_id = s.org_id AND w.flow_id = flow AND w.from_state = s.state)
$$;

CREATE FUNCTION twin.flow_reached(flow bigint) RETURNS SETOF text LANGUAGE sql STABLE AS $$
	WITH RECURSIVE arcs AS (SELECT * FROM twin.flow_arcs(flow)), reached (state) AS (
		SELECT s.state FROM usom.flow_state s WHERE s.org_id = usom.current_org() AND s.flow_id = flow AND s.starts AND s.status IN ('submitted', 'confirmed')
		UNION SELECT a.t FROM reached r JOIN arcs a ON a.f = r.state)
	SELECT state FROM reached
$$;

-- Built-in states about which nothing is written, and that nothing leads to, are not of the flow.
CREATE FUNCTION twin.flow_nodes(flow bigint) RETURNS TABLE (state text, status usom.order_status, starts boolean) LANGUAGE sql STABLE AS $$
	SELECT s.state, s.status, s.starts FROM usom.flow_state s WHERE s.org_id = usom.current_org() AND s.flow_id = flow AND NOT (s.built_in
		AND NOT EXISTS (SELECT FROM usom.flow_transition w WHERE w.org_id = s.org_id AND w.flow_id = flow AND s.state IN (w.from_state, w.to_state))
		AND s.state NOT IN (SELECT r FROM twin.flow_reached(flow) r))
$$;

-- Nodes from which a node of one of the statuses is reached, within a status or at once.
CREATE FUNCTION twin.flow_leading(flow bigint, goals text[], within boolean) RETURNS SETOF text LANGUAGE sql STABLE AS $$
	WITH RECURSIVE nodes AS (SELECT * FROM twin.flow_nodes(flow)), arcs AS (
		SELECT a.f, a.t FROM twin.flow_arcs(flow) a JOIN nodes x ON x.state = a.f JOIN nodes y ON y.state = a.t
		WHERE NOT within OR x.status = y.status OR y.status = 'cancelled'), toward (state) AS (
		SELECT n.state FROM nodes n WHERE n.status::text = ANY (goals)
		UNION SELECT a.f FROM toward l JOIN arcs a ON a.t = l.state)
	SELECT state FROM toward
$$;

CREATE FUNCTION twin.flow_faults(flow bigint) RETURNS text LANGUAGE sql STABLE AS $$
	WITH nodes AS (SELECT * FROM twin.flow_nodes(flow)), arcs AS (
		SELECT a.f, a.t, x.status AS fs, y.status AS ts FROM twin.flow_arcs(flow) a JOIN nodes x ON x.state = a.f JOIN nodes y ON y.state = a.t), faults AS (
		SELECT format('bad_step %s %s', a.f, a.fs) AS fault FROM arcs a WHERE a.fs <> a.ts AND NOT EXISTS (SELECT FROM twin.flow_edge e WHERE e.f = a.fs AND e.t = a.ts)
		UNION ALL
		SELECT format('no_start - %s', s) FROM unnest('{submitted,confirmed,processing,partially_shipped,shipped,delivered,closed,cancelled,rejected}'::text[]) s
		WHERE (s IN ('submitted', 'confirmed') OR s IN (SELECT n.status::text FROM nodes n)) AND s NOT IN (SELECT n.status::text FROM nodes n WHERE n.starts)
		UNION ALL
		SELECT format('unreachable %s %s', n.state, n.status) FROM nodes n WHERE n.state NOT IN (SELECT r FROM twin.flow_reached(flow) r)
		UNION ALL
		SELECT format('dead_end %s %s', n.state, n.status) FROM nodes n WHERE n.state NOT IN (SELECT r FROM twin.flow_leading(flow, '{closed,cancelled,rejected}', false) r)
		UNION ALL
		SELECT format('no_cancel %s %s', n.state, n.status) FROM nodes n WHERE n.status IN (SELECT e.f FROM twin.flow_edge e WHERE e.t = 'cancelled')
			AND n.state NOT IN (SELECT r FROM twin.flow_leading(flow, '{cancelled}', true) r))
	SELECT coalesce(string_agg(fault, ', ' ORDER BY fault COLLATE "C"), 'none') FROM faults
$$;

-- Some states more than the built-in ones, some starts moved, some steps; what may not be written is left out.
CREATE FUNCTION twin.write_flow(code text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	flow bigint;
	names text[];
	extra text[] := '{}';
BEGIN
	INSERT INTO usom.flow (code) VALUES (code);
	flow := usom.flow_id(code);
	FOR n IN 1 .. twin.pick(0, 4) LOOP
		INSERT INTO usom.flow_state (flow_id, state, status) VALUES (flow, 'x' || n,
			twin.pick('submitted', 'confirmed', 'confirmed', 'confirmed', 'processing', 'shipped', 'delivered', 'closed', 'cancelled'));
		extra := extra || ('x' || n);
	END LOOP;
	IF random() < 0.3 THEN
		UPDATE usom.flow_state SET starts = false WHERE flow_id = flow AND state = twin.pick('submitted', 'confirmed', 'processing', 'shipped', 'closed');
		UPDATE usom.flow_state s SET starts = true WHERE s.flow_id = flow AND s.state = 'x1'
			AND NOT EXISTS (SELECT FROM usom.flow_state o WHERE o.org_id = s.org_id AND o.flow_id = flow AND o.status = s.status AND o.starts);
	END IF;
	SELECT array_agg(s.state) INTO names FROM usom.flow_state s WHERE s.flow_id = flow;
	FOR n IN 1 .. twin.pick(0, 3 + 4 * cardinality(extra)) LOOP
		BEGIN
			INSERT INTO usom.flow_transition (flow_id, from_state, to_state)
			VALUES (flow, twin.pick(VARIADIC CASE WHEN cardinality(extra) > 0 AND random() < 0.5 THEN extra ELSE names END),
				twin.pick(VARIADIC CASE WHEN random() < 0.3 THEN '{cancelled,processing,confirmed}' WHEN cardinality(extra) > 0 AND random() < 0.5 THEN extra ELSE names END));
		EXCEPTION WHEN integrity_constraint_violation OR sqlstate 'US140' OR sqlstate 'US142' THEN
			NULL;
		END;
	END LOOP;
	RETURN flow;
END
$$;

CREATE FUNCTION twin.try_flows(cases bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	flow bigint;
	name text;
BEGIN
	FOR n IN 1 .. cases LOOP
		name := 'flow ' || n;
		flow := twin.write_flow(name);
		PERFORM twin.compare('faults of flows', (SELECT string_agg(t.from_state || ' ' || t.to_state, ', ') FROM usom.flow_transition t WHERE t.flow_id = flow)
			|| ' of ' || (SELECT string_agg(format('%s (%s%s)', s.state, s.status, CASE WHEN s.starts THEN '*' END), ', ') FROM usom.flow_state s WHERE s.flow_id = flow),
			twin.flow_faults(flow),
			(SELECT coalesce(string_agg(format('%s %s %s', c.fault, coalesce(c.state, '-'), c.status), ', ' ORDER BY format('%s %s %s', c.fault, coalesce(c.state, '-'), c.status) COLLATE "C"), 'none') FROM usom.check_flow(name) c));
	END LOOP;
	RETURN cases;
END
$$;
SELECT twin.report('faults of flows', twin.try_flows(:cases * 250));
-- Some of them are fine, and each kind of fault was met.
SELECT twin.report('faults that were met', count(DISTINCT k)) FROM (
	SELECT split_part(f, ' ', 1) AS k FROM usom.flow w, LATERAL unnest(string_to_array(twin.flow_faults(w.flow_id), ', ')) f WHERE w.code LIKE 'flow %') m
HAVING count(DISTINCT k) = 6;
