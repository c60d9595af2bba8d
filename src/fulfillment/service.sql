CREATE FUNCTION usom.technician_id(code text) RETURNS bigint
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_technician_id'
STABLE STRICT PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.technician_id(text) IS 'Key of the technician with this code in the organisation of the caller, for rows of technician_skill and technician_hours. Raises US006 if there is none. Example: INSERT INTO usom.technician_skill (technician_id, skill) VALUES (usom.technician_id(''ANN''), ''boiler'');';

CREATE FUNCTION usom._check_service_work() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	product record;
BEGIN
	SELECT p.sku, p.kind INTO product FROM usom.product p WHERE p.org_id = NEW.org_id AND p.product_id = NEW.product_id;
	IF product.kind IS DISTINCT FROM 'service' THEN
		RAISE EXCEPTION 'product "%" is no service', coalesce(product.sku, '#' || NEW.product_id) USING
			ERRCODE = 'US650', DETAIL = format('Its kind is %s.', coalesce(product.kind, 'unknown')),
			HINT = 'INSERT INTO usom.product (sku, kind) VALUES (''...'', ''service''); the kind of a product does not change.';
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION usom._check_service_work() IS 'Trigger BEFORE a row of service_work is written: US650 unless its product is a service.';
REVOKE ALL ON FUNCTION usom._check_service_work() FROM PUBLIC;

CREATE FUNCTION usom._technicians_for(org_id bigint, product_id bigint, starts_at timestamptz, ends_at timestamptz)
RETURNS TABLE (technician_id bigint, technician text, obstacle text, detail text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, usom, pg_temp SET jit = off
AS $$
	SELECT t.technician_id, t.code,
		CASE WHEN NOT t.active AND $2 IS NOT NULL THEN 'inactive' WHEN m.skill IS NOT NULL THEN 'skill' WHEN NOT h.works AND $2 IS NOT NULL THEN 'hours' WHEN b.busy IS NOT NULL THEN 'busy' END,
		CASE WHEN NOT t.active AND $2 IS NOT NULL THEN 'gets no new appointments' WHEN m.skill IS NOT NULL THEN format('lacks the skill "%s"', m.skill)
			WHEN NOT h.works AND $2 IS NOT NULL THEN 'does not work then' WHEN b.busy IS NOT NULL THEN format('is booked then: %s', b.busy) END
	FROM usom.technician t
	CROSS JOIN LATERAL (SELECT $3 AT TIME ZONE t.time_zone AS begins, $4 AT TIME ZONE t.time_zone AS ends) l
	LEFT JOIN LATERAL (
		SELECT min(k.skill) AS skill
		FROM usom.service_work w CROSS JOIN unnest(w.skills) k (skill)
		WHERE w.org_id = t.org_id AND w.product_id = $2 AND NOT EXISTS (
			SELECT FROM usom.technician_skill s
			WHERE s.org_id = t.org_id AND s.technician_id = t.technician_id AND s.skill = k.skill AND (s.valid_until IS NULL OR s.valid_until >= l.ends::date))
	) m ON true
	CROSS JOIN LATERAL (
		SELECT NOT EXISTS (SELECT FROM usom.technician_hours h WHERE h.org_id = t.org_id AND h.technician_id = t.technician_id)
			OR EXISTS (SELECT FROM usom.technician_hours h WHERE h.org_id = t.org_id AND h.technician_id = t.technician_id
				AND h.weekday = extract(isodow FROM l.begins) AND h.begins <= l.begins::time AND h.ends::interval >= l.ends - date_trunc('day', l.begins)) AS works
	) h
	LEFT JOIN LATERAL (
		SELECT min(a.appointment_no) AS busy FROM usom.appointment a
		WHERE int8range(a.org_id, a.org_id, '[]') = int8range(t.org_id, t.org_id, '[]')
			AND int8range(a.technician_id, a.technician_id, '[]') = int8range(t.technician_id, t.technician_id, '[]')
			AND a.during && tstzrange($3, $4) AND a.status = 'booked'
	) b ON true
	WHERE t.org_id = $1
$$;
COMMENT ON FUNCTION usom._technicians_for(bigint, bigint, timestamptz, timestamptz) IS 'Technicians of an organisation for the work of a service from when to when: what is in the way (inactive, skill, hours, busy; null: nothing), and in words. Of no service (null), busy alone.';
REVOKE ALL ON FUNCTION usom._technicians_for(bigint, bigint, timestamptz, timestamptz) FROM PUBLIC;

CREATE FUNCTION usom.service_slots(sku text, starts_from timestamptz DEFAULT now(), until timestamptz DEFAULT NULL, technician text DEFAULT NULL,
	minutes integer DEFAULT NULL, slots integer DEFAULT 20)
RETURNS TABLE (starts_at timestamptz, ends_at timestamptz, technician text)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_service_slots'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.service_slots(text, timestamptz, timestamptz, text, integer, integer) IS
'Who could do the work of a service, and when: free times of technicians that have the skills and work then, every half hour, earliest first.
sku: the service, see usom.service_work. starts_from, until: where to look, 92 days at most; until null: seven days. technician: code, null: anybody. minutes: length; null: that of the service, or an hour. slots: so many at most.
A slot is not kept: book_appointment() says whether it still stands.
Errors: US006 unknown product or technician, 22023 for a time that is none.
Example: SELECT * FROM usom.service_slots(''BOILER-CHECK'', now() + interval ''1 day'');';
