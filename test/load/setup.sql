-- A desk for the load test: 20 products at 3 locations, and a schema "load"
-- with what the pgbench scripts share.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE EXTENSION usom;
SELECT usom.install() \g /dev/null
INSERT INTO usom.location (code, priority) VALUES ('A', 1), ('B', 2), ('C', 3);
INSERT INTO usom.product (sku) SELECT 'P' || n FROM generate_series(1, 20) n;
INSERT INTO usom.customer (code) SELECT 'C' || n FROM generate_series(1, 50) n;
SELECT count(*) FROM generate_series(1, 20) n, unnest('{A,B,C}'::text[]) l, LATERAL usom.receive_stock(l, 'P' || n, 40) \g /dev/null

CREATE SCHEMA load;
CREATE UNLOGGED TABLE load.outcome (verb text, sqlstate text);
-- What an auditor outside of the database would have.
CREATE UNLOGGED TABLE load.digest (digest jsonb);

-- Run one call.  A refusal of usom's own (class US) is an outcome that is
-- counted; whatever else fails is for pgbench: it retries 40001 and 40P01 and
-- gives up on the rest.
CREATE FUNCTION load.attempt(verb text, call text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	state text := '00000';
BEGIN
	BEGIN
		EXECUTE call;
	EXCEPTION WHEN OTHERS THEN
		IF SQLSTATE NOT LIKE 'US%' THEN
			RAISE;
		END IF;
		state := SQLSTATE;
	END;
	INSERT INTO load.outcome VALUES (verb, state);
END $$;

-- One of the newest orders, so that clients meet at the same ones.
CREATE FUNCTION load.some_order() RETURNS text LANGUAGE sql VOLATILE AS $$
	SELECT c.prefix || lpad(greatest(1, s.last_value - floor(random() * 60)::bigint)::text, c.digits, '0')
	FROM usom.order_no_seq s, usom.document_counter c WHERE c.kind = 'order' AND c.org_id = 1
$$;

-- One of the orders that left last: what comes back has left before.
CREATE FUNCTION load.some_shipped_order() RETURNS text LANGUAGE sql VOLATILE AS $$
	WITH drawn AS MATERIALIZED (
		SELECT c.prefix || lpad(greatest(1, s.last_value - floor(random() * 20)::bigint)::text, c.digits, '0') AS shipment_no
		FROM usom.shipment_no_seq s, usom.document_counter c WHERE c.kind = 'shipment' AND c.org_id = 1)
	SELECT coalesce((SELECT h.order_no FROM usom.shipments h WHERE h.shipment_no = d.shipment_no), load.some_order()) FROM drawn d
$$;

-- A document of one to five lines in random order, some of them for the same product.
CREATE FUNCTION load.document() RETURNS jsonb LANGUAGE sql VOLATILE AS $$
	SELECT jsonb_build_object('channel', (ARRAY['web', 'pos', 'phone', 'edi'])[1 + floor(random() * 4)],
		'customer', 'C' || 1 + floor(random() * 50)::integer,
		'lines', (SELECT jsonb_agg(jsonb_build_object('sku', 'P' || 1 + floor(random() * 20)::integer,
				'quantity', 1 + floor(random() * 4)::integer, 'unit_price', round((random() * 20)::numeric, 2)))
			FROM generate_series(1, 1 + floor(random() * 5)::integer)))
$$;
